"""What a large picture takes, measured in a child."""

import subprocess
import sys

ASKED = """
import resource
import torch
import forensics
from forensics.batch import Batch

peaks = []
for side in (256, 256, 1280):
    pixels = torch.randint(0, 256, (1, 1, side, side), dtype=torch.uint8)
    forensics.load("kv").score(Batch.of(pixels))
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(1024 * (peaks[2] - peaks[1]))
"""


def test_kv_takes_less_than_60_bytes_a_pixel():
    """At 20 megapixels that is 1.2 GB."""
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, check=True, text=True)
    assert int(done.stdout) / (1280**2 - 256**2) < 60

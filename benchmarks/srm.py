"""The 162 values a patch: compiled, by tensors, and by sealwatch (where it is installed).

python benchmarks/srm.py [--patches 512]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from skimage import data

from forensics_srmcnn import feature, maps
from forensics_srmcnn.network import DescriptorNetwork


def rate(work: Callable[[], object], count: int) -> float:
    """Patches a second of CPU, the best of three."""
    work()
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        work()
        best = max(best, count / (time.process_time() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=512)
    count = parser.parse_args().patches
    torch.set_num_threads(1)
    image = torch.from_numpy(data.camera())
    some = image.unfold(0, 128, 24).unfold(1, 128, 24).reshape(-1, 128, 128)
    patches = some.repeat(-(-count // len(some)), 1, 1)[:count].contiguous()
    print(f"compiled   {rate(lambda: feature.counts(patches), count):8.0f} patches/s")
    print(f"tensors    {rate(lambda: feature.counts_on_tensors(patches), count):8.0f} patches/s")
    try:
        from sealwatch.srm.cooccurrence import cooccurrence4
    except ImportError:
        print("sealwatch  not installed")
    else:

        def theirs() -> None:
            for patch in patches[:16].numpy():
                for plane in (patch.astype(int), patch.T.astype(int)):
                    r = plane[:, :-3] - 3 * plane[:, 1:-2] + 3 * plane[:, 2:-1] - plane[:, 3:]
                    q = np.clip(np.round(r / 4.5), -1, 1)
                    cooccurrence4(q, "hor", T=1)
                    cooccurrence4(q, "ver", T=1)

        print(f"sealwatch  {rate(theirs, 16):8.0f} patches/s")
    large = image.repeat(2, 2)
    windows = large.unfold(0, 64, 8).unfold(1, 64, 8).flatten(0, 1)
    net, some = DescriptorNetwork().requires_grad_(False), windows[:200]
    print(f"{len(windows)} windows of 64 x 64 in 1024 x 1024, seconds: at once, patch by patch")
    loop = len(windows) / rate(lambda: [feature.counts_on_tensors(w[None]) for w in some], 200)
    print(f"feature {1 / rate(lambda: maps.hard_shares(large, 64, 8), 1):8.2f} {loop:8.2f}")
    print(f"    compiled, patches as a batch {1 / rate(lambda: feature.counts(windows), 1):.2f}")
    loop = len(windows) / rate(lambda: [net.shares(w[None, None].float()) for w in some], 200)
    print(f"network {1 / rate(lambda: maps.soft_shares(net, large, 64, 8), 1):8.2f} {loop:8.2f}")


if __name__ == "__main__":
    main()

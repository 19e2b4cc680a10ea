"""Six detectors of JPEG compression in decoded pixels, those of the attack paper's table 1.

The paper measures its attack against K_L, K_F, K_U^1, K_U^2, K_F^Q and K_V (sections II-A and
IV-B). None of them is trained. All take the luma of RGB and cut it to whole 8 x 8 blocks from the
top left corner.
"""

from forensics_antiforensics.detectors.blocking import KF, KU1, KU2
from forensics_antiforensics.detectors.calibration import KL
from forensics_antiforensics.detectors.quantisation import KQF
from forensics_antiforensics.detectors.variation import KV

__all__ = ["KF", "KL", "KQF", "KU1", "KU2", "KV"]

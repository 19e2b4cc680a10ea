"""The networks that the attackers run and the recipes train."""

from forensics_antiforensics.networks.edsr import AFCNN, EDSRSub, soft_clamp
from forensics_antiforensics.networks.light import Matched, Restorer

__all__ = ["AFCNN", "EDSRSub", "Matched", "Restorer", "soft_clamp"]

"""Steps of histories: what happens to a photograph between the camera and the examiner."""

from forensics.operations.chain import Maybe
from forensics.operations.compression import JpegCompression
from forensics.operations.gaussian import Gaussian
from forensics.operations.geometry import Crop
from forensics.operations.median import Median
from forensics.operations.noise import WhiteNoise
from forensics.operations.resize import Resize
from forensics.operations.splice import Splice
from forensics.operations.warp import Rotate, Shear

__all__ = [
    "Crop",
    "Gaussian",
    "JpegCompression",
    "Maybe",
    "Median",
    "Resize",
    "Rotate",
    "Shear",
    "Splice",
    "WhiteNoise",
]

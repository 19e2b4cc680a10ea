"""Steps of histories: what happens to a photograph between the camera and the examiner."""

from forensics.operations.compression import JpegCompression
from forensics.operations.gaussian import Gaussian
from forensics.operations.geometry import Crop
from forensics.operations.median import Median
from forensics.operations.noise import WhiteNoise
from forensics.operations.resize import Resize
from forensics.operations.warp import Rotate, Shear

__all__ = [
    "Crop",
    "Gaussian",
    "JpegCompression",
    "Median",
    "Resize",
    "Rotate",
    "Shear",
    "WhiteNoise",
]

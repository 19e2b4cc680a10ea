"""Steps of histories: what happens to a photograph between the camera and the examiner."""

from forensics.histories.operations.affine import Affine
from forensics.histories.operations.chain import Maybe
from forensics.histories.operations.compression import JpegCompression
from forensics.histories.operations.gaussian import Gaussian
from forensics.histories.operations.geometry import Crop
from forensics.histories.operations.median import Median
from forensics.histories.operations.noise import WhiteNoise
from forensics.histories.operations.resize import Resize
from forensics.histories.operations.sharpening import Sharpen
from forensics.histories.operations.splice import Splice
from forensics.histories.operations.warp import Rotate, Shear

__all__ = [
    "Affine",
    "Crop",
    "Gaussian",
    "JpegCompression",
    "Maybe",
    "Median",
    "Resize",
    "Rotate",
    "Sharpen",
    "Shear",
    "Splice",
    "WhiteNoise",
]

"""Steps of histories: what happens to a photograph between the camera and the examiner."""

from forensics.operations.compression import JpegCompression
from forensics.operations.geometry import Crop

__all__ = ["Crop", "JpegCompression"]

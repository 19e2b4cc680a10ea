"""A JPEG codec on tensors, equal to libjpeg-turbo (Pillow) to the bit; no entropy coding."""

from forensics.jpeg.codec import compress, decode, decode_float, decode_luma
from forensics.jpeg.coefficients import Jpeg
from forensics.jpeg.estimation import estimate_table
from forensics.jpeg.recovery import recover
from forensics.jpeg.tables import ZIGZAG, standard_tables
from forensics.jpeg.transform import block_dct, block_idct

__all__ = [
    "ZIGZAG",
    "Jpeg",
    "block_dct",
    "block_idct",
    "compress",
    "decode",
    "decode_float",
    "decode_luma",
    "estimate_table",
    "recover",
    "standard_tables",
]

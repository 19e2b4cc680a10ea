"""Opening image files strictly: what is damaged or ambiguous is refused, nothing is guessed.

    picture = images.open("photograph.jpg")
    picture.pixels      # uint8 [H, W, C], as stored: the orientation tag is noted, not applied
    picture.jpeg        # the quantised coefficients, where the file is a JPEG
    picture.batch()     # what models take

docs/images.md says what happens to each kind of file and what cannot be seen in a file.
"""

from forensics.images.header import SUFFIXES, Header, find, header
from forensics.images.picture import Picture, open

__all__ = ["SUFFIXES", "Header", "Picture", "find", "header", "open"]

"""Opening image files strictly: what is damaged or ambiguous is refused, nothing is guessed.

    picture = images.open("photograph.jpg")
    picture.pixels      # uint8 [H, W, C], as stored: the orientation tag is noted, not applied
    picture.jpeg        # the quantised coefficients, where the file is a JPEG
    picture.batch()     # what models take

docs/images.md says what happens to each kind of file and what cannot be seen in a file.
"""

from forensics.images.header import Header, header
from forensics.images.picture import Picture, open
from forensics.images.search import SUFFIXES, Found, find

__all__ = ["SUFFIXES", "Found", "Header", "Picture", "find", "header", "open"]

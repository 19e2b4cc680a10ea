"""All that the author of a plugin imports: `from forensics.plugin import Detector, Scores, ...`.

The names of `plugin.pyi` are imported at first use, so that a plugin's registration, which needs
`ModelEntry` and `hookimpl` alone, imports no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub("forensics", __file__)

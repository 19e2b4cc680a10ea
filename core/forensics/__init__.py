"""Does this detector still work when somebody tries to fool it?

The names of `__init__.pyi` are imported at first use, so that `import forensics` stays quick.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

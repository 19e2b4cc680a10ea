"""The bench: every attacker against every model, stored, resumed, summarised.

The names of `__init__.pyi` are imported at first use, so that what lists models can hash them
without torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Instance quantities on which bounds depend, each exact or enclosed: coverage, diameter, span, gaps, mixing."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

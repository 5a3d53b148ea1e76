"""Learners that prepare for other models than the one that they see, or that made their data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Algorithms that learn from data, one module an algorithm family, in a folder for what the learner is given."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

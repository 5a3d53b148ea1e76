"""Learners that act in an episodic model they do not know, and learn from what happens."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

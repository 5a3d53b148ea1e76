"""Finite models of reinforcement learning, exact planning, and learners with their papers' constants.

Everything is loaded at its first use: ``import tabular`` compiles nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

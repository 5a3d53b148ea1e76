"""Judges: each turns a sample of its own type into a verdict, before the correction for multiplicity.

What each verdict means is fixed in docs/verdicts.md. A sample that is empty or not finite is
refused when it is made, so that no judge can pass on nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

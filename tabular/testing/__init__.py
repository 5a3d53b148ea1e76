"""For tests of your own algorithms: hypothesis strategies for every model, and checks of what every algorithm owes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

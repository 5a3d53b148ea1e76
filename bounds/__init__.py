"""What reinforcement-learning papers claim, and the judges that hold the claims against evidence.

``bounds.papers()`` and ``bounds.claims()`` list what there is; ``bounds.paper(slug)`` and ``bounds.claim(id)``
get one. Everything is loaded at its first use.

Notes
-----
`bounds.claims` and `bounds.papers` are submodules as well as functions of the registry; each answers as both,
so ``bounds.claims("stepmix")`` and ``from bounds.claims import Claim`` both mean what they say.
"""

import types
from typing import Any

import lazy_loader

from . import claims as _claims
from . import papers as _papers

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _CallableModule(types.ModuleType):
    """A submodule that answers calls with the registry's function of the same name."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from . import registry

        return getattr(registry, self.__name__.rpartition(".")[2])(*args, **options)


for _module in (_claims, _papers):
    _module.__class__ = _CallableModule

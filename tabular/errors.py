"""Every error that the library raises on purpose.

Input errors are ``ValueError``; a computation that could not deliver what was
asked is a ``RuntimeError``. Messages name the offending index, the value found,
what is allowed, and the way out.
"""

from typing import Any

__all__ = [
    "CertificateError",
    "Infeasible",
    "MissingExtra",
    "ModelError",
    "NotConverged",
    "ParameterError",
    "PolicyError",
    "StoreError",
]


class ModelError(ValueError):
    """A model's arrays do not describe a model."""


class PolicyError(ValueError):
    """An array is not a policy of the model it was given with."""


class ParameterError(ValueError):
    """A parameter lies outside its range, or a name is unknown."""


class NotConverged(RuntimeError):
    """A solver stopped before it could certify the accuracy that was asked.

    Attributes
    ----------
    partial : object
        The result so far, with valid bounds where the method has any.
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class Infeasible(RuntimeError):
    """An optimisation problem has no feasible point."""


class CertificateError(RuntimeError):
    """A solver's answer failed our own check of it."""


class StoreError(RuntimeError):
    """The result store cannot be read or written."""


class MissingExtra(ImportError):
    """An optional dependency is not installed.

    Parameters
    ----------
    package : str
        Import name of what is missing.
    extra : str
        The extra of ``rl-theorems`` that brings it.
    purpose : str
        What it was needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed; install it with: pip install 'rl-theorems[{extra}]'"
        )
        self.package = package
        self.extra = extra
        self.purpose = purpose

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor, so that the error survives a process boundary."""
        return type(self), (self.package, self.extra, self.purpose)

"""Errors of gathering evidence, beside those of `tabular.errors`."""

from collections.abc import Sequence

__all__ = ["CellError"]


class CellError(RuntimeError):
    """Some runs failed; every other run was finished and stored.

    Attributes
    ----------
    failures : tuple of (str, str, str)
        Label of the cell, message, traceback.
    """

    def __init__(self, failures: Sequence[tuple[str, str, str]]) -> None:
        label, message, _ = failures[0]
        more = f" (and {len(failures) - 1} more runs)" if len(failures) > 1 else ""
        super().__init__(f"{label} failed: {message}{more}")
        self.failures = tuple(failures)

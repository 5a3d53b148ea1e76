"""From a grid of cells to stored evidence: keys, store, backends, progress.

The evidence of a study depends on its cells, its root seed and the code it runs; not on the backend, the number of
workers, or the interruptions on the way.
"""

from ..errors import CellError
from .progress import open_progress
from .runner import Summary, evidence, gather
from .store import Store, default_store
from .work import plan

__all__ = ["CellError", "Store", "Summary", "default_store", "evidence", "gather", "open_progress", "plan"]

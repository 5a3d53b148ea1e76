"""Searching for the instance that comes closest to breaking a claim, and keeping what was found."""

from .cells import Attempt, evaluate, reproduce
from .files import Judged, judge_file, read_instance, write_instance
from .probe import Probe, Trial
from .search import SEARCHED, Search, falsify
from .searches import Searched, Searches

__all__ = [
    "SEARCHED",
    "Attempt",
    "Judged",
    "Probe",
    "Search",
    "Searched",
    "Searches",
    "Trial",
    "evaluate",
    "falsify",
    "judge_file",
    "read_instance",
    "reproduce",
    "write_instance",
]

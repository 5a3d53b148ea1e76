"""Probes of the claims of the foundations."""

from . import _foundations_discounted, _foundations_others

__all__ = ["PROBES"]

PROBES = (*_foundations_discounted.PROBES, *_foundations_others.PROBES)

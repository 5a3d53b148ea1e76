"""Probes of the claims of complexity-measures."""

from . import _complexity_classes, _complexity_models

__all__ = ["PROBES"]

PROBES = (*_complexity_models.PROBES, *_complexity_classes.PROBES)

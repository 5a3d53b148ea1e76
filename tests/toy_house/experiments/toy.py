"""Toy studies as a paper's."""

from toy_studies import STUDIES as STUDIES

"""A paper whose only claim is false."""

from dataclasses import replace

from toy_claims import FALSE
from toy_claims import PAPER as TOY

PAPER = replace(TOY, slug="wrong")
CLAIMS = (replace(FALSE, id="wrong/negative"),)

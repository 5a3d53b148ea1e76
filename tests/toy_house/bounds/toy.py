"""A paper whose only claim is true."""

from toy_claims import PAPER as PAPER
from toy_claims import TRUE

CLAIMS = (TRUE,)

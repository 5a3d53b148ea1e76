"""Claims of Dong and Yang, sparsity in misspecified linear bandits."""

from bounds.claims import Paper

from ._sparse_designs import CLAIMS as _DESIGNS
from ._sparse_elimination import CLAIMS as _ELIMINATION
from ._sparse_lower import CLAIMS as _LOWER
from ._sparse_regret import CLAIMS as _REGRET

PAPER = Paper(
    slug="misspecified-sparse-linear-bandits",
    title="Does Sparsity Help in Learning Misspecified Linear Bandits?",
    authors="Jialin Dong, Lin F. Yang",
    year=2023,
    key="dong2023",
    room="bandit",
    summary=(
        "Rewards of finitely many arms are linear in d features up to an error eps. Finding an O(eps)-optimal arm then "
        "takes exp(d) queries, and eps sqrt(d) is what polynomially many can reach. If only s features matter, "
        "eliminating the parameters of a sparse net finds one with O(eps^-s d^s) queries; exp(s) cannot be avoided."
    ),
)

CLAIMS = (*_ELIMINATION, *_LOWER, *_DESIGNS, *_REGRET)

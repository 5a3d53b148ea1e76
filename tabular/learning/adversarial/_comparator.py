"""What every learner of this room is measured against, and how its answer is put together."""

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import AdversarialMDP
from ._linear_kernels import _occupancies
from .results import AdversarialRun

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def best_fixed_policy(mdp: AdversarialMDP) -> Ints:
    """Return the policy (H, S) of least total loss over all episodes, by one backward induction."""
    total = mdp.losses.sum(axis=0)
    policy = np.empty((mdp.H, mdp.S), dtype=np.int64)
    ahead = np.zeros(mdp.S)
    for h in reversed(range(mdp.H)):
        Q = total[h] + mdp.P[h] @ ahead
        policy[h] = Q.argmin(axis=1)
        ahead = Q.min(axis=1)
    return policy


def occupancies(mdp: AdversarialMDP, policy: npt.ArrayLike) -> Floats:
    """Return the occupancies (H, S, A) of a policy of either form."""
    pi = check.stochastic_policy(policy, (mdp.H, mdp.S), mdp.A)
    d = np.empty((mdp.H, mdp.S, mdp.A))
    _occupancies(mdp.transitions(), mdp.mu0, pi, d)
    return d


def features_of(mdp: AdversarialMDP, features: npt.ArrayLike | None) -> Floats:
    """Return features (T, S, A, d), one-hot by default; ParameterError where a norm exceeds 1."""
    if features is None:
        phi = np.eye(mdp.S * mdp.A).reshape(1, mdp.S, mdp.A, -1)
        phi.setflags(write=False)
        return phi
    given = check.as_array(features, "features", ndim=(3, 4), error=ParameterError)
    wanted = (mdp.H, mdp.S, mdp.A)
    if given.shape[:-1] not in (wanted, wanted[1:]):
        raise ParameterError(f"features has shape {given.shape}; {(*wanted[1:], 'd')} or {(*wanted, 'd')} is needed")
    norms = np.sqrt(np.einsum("...d,...d->...", given, given))
    if norms.max() > 1.0 + 1e-9:
        index = tuple(int(i) for i in np.argwhere(norms > 1.0 + 1e-9)[0])
        raise ParameterError(f"features{list(index)} has norm {norms[index]:.12g}; norms are at most 1")
    return given if given.ndim == 4 else given[None]


def run_of(
    mdp: AdversarialMDP, algorithm: str, parameters: dict[str, float], losses: Floats, policy: Floats
) -> AdversarialRun:
    """Return the result of a learner, with its comparator."""
    comparator = best_fixed_policy(mdp)
    law = occupancies(mdp, comparator)
    against = np.einsum("khsa,hsa->k", mdp.losses, law)
    return AdversarialRun(
        algorithm=algorithm,
        parameters=tuple(parameters.items()),
        losses=losses,
        comparator_losses=against,
        comparator=comparator,
        policy=policy,
    )

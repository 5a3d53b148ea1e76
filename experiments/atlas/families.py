"""The rows of the atlas: families of instances, by the kind of object that they are.

A family has one size. An instance is a pure function of family and size, so that every measure sees the same one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from experiments import instances
from tabular.streams import stream

from . import _instances as build
from ._instances import DENOMINATOR, AverageModel, Rng

__all__ = ["FAMILIES", "KINDS", "Family", "instance"]

#: What families are made of, in the order in which they are shown.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "episodic": "Finite horizon",
        "linear": "Linear MDPs",
        "discounted": "Discounted",
        "average": "Average reward",
        "chain": "Markov chains",
        "functions": "Function classes",
        "policies": "Policy classes",
        "emissions": "Observations",
        "actions": "Action sets",
        "models": "Classes of bandits",
        "channel": "Channels",
    }
)

_NOT_PLAYED = "plays fixed sequences of actions: transitions must be certain and rewards not negative"


@dataclass(frozen=True, slots=True)
class Family:
    """Instances that differ in one size.

    Attributes
    ----------
    name : str
        On the command line.
    label : str
        What an instance is called; ``{size}`` stands for its size.
    kind : str
        One of `KINDS`.
    about : str
        The family in a line.
    build : callable
        ``build(size, rng) -> object`` of that kind.
    quick, paper : tuple of int
        Sizes at the two scales.
    without : mapping
        Names of measures of this kind that are not asked for, and why.
    """

    name: str
    label: str
    kind: str
    about: str
    build: Callable[[int, Rng], Any]
    quick: tuple[int, ...]
    paper: tuple[int, ...]
    without: Mapping[str, str] = field(default_factory=dict)

    def sizes(self, scale: str) -> tuple[int, ...]:
        """Return the sizes at a scale."""
        return self.paper if scale == "paper" else self.quick


def instance(family: Family, size: int) -> Any:
    """Return the instance of a family and a size; always the same one."""
    return family.build(size, stream(0, "atlas", family.name, size))


FAMILIES: tuple[Family, ...] = (
    Family("arms", "{size} arms", "episodic", "one state, one step", build.arms, (5,), (5, 20)),
    Family(
        "contexts",
        "{size} contexts",
        "episodic",
        "contextual bandit with three actions",
        build.contexts,
        (4,),
        (4, 12),
        {"gorp-horizon": _NOT_PLAYED},
    ),
    Family("tree", "tree-{size}", "episodic", "complete binary tree, one good leaf", build.tree, (3,), (3, 5)),
    Family(
        "lock",
        "lock-{size}",
        "episodic",
        "combination lock, three actions",
        lambda H, rng: instances.combination_lock(H, 3),
        (5,),
        (5, 10),
    ),
    Family(
        "deep-sea",
        "DeepSea-{size}",
        "episodic",
        "diving right costs a little at every step and pays at the end",
        lambda N, rng: instances.deep_sea(N),
        (5,),
        (5, 10, 20),
        {"gorp-horizon": _NOT_PLAYED},
    ),
    Family(
        "riverswim-20",
        "RiverSwim-{size}",
        "episodic",
        "20 steps of RiverSwim, Osband's numbers",
        build.river_episodes("osband"),
        (6,),
        (6, 12),
        {"gorp-horizon": _NOT_PLAYED},
    ),
    Family(
        "riverswim-ucrl3-20",
        "RiverSwim-{size} (UCRL3)",
        "episodic",
        "20 steps of RiverSwim, the numbers of the UCRL3 code",
        build.river_episodes("ucrl3"),
        (6,),
        (6, 12),
        {"gorp-horizon": _NOT_PLAYED},
    ),
    Family(
        "blocks",
        "{size} blocks",
        "episodic",
        "block MDP: latent states, three observations each",
        build.blocks,
        (2,),
        (2, 4),
        {"gorp-horizon": _NOT_PLAYED},
    ),
    Family(
        "random",
        "random-{size}",
        "episodic",
        "Dirichlet(1) transitions, two actions, five steps",
        lambda S, rng: instances.random_episodic(S, 2, 5, rng=rng),
        (4,),
        (4, 10),
        {"gorp-horizon": _NOT_PLAYED},
    ),
    Family(
        "five-states",
        "five-state simulator 0.{size}",
        "linear",
        "the simulator of robust offline learning; the size is ten times the norm of its perturbation",
        lambda tenths, rng: instances.five_state_simulator(tenths / 10),
        (1, 3),
        (1, 2, 3),
    ),
    Family(
        "random-linear",
        "random-linear-{size}",
        "linear",
        "mixtures of as many random kernels over eight states, two actions, four steps",
        lambda d, rng: instances.random_linear_mdp(8, 2, d, 4, rng),
        (2, 3),
        (2, 3, 5),
    ),
    Family(
        "riverswim-discounted",
        "RiverSwim-{size}",
        "discounted",
        "Osband's numbers, discount 0.95",
        build.river_discounted,
        (6,),
        (6, 12),
    ),
    Family(
        "windy-walk",
        "windy walk 0.{size}",
        "discounted",
        "36 cells, discount 0.95; the size is ten times the wind",
        lambda tenths, rng: instances.windy_walk([tenths / 10])[0],
        (0, 3),
        (0, 1, 3, 5),
    ),
    Family(
        "random-discounted",
        "random-{size}",
        "discounted",
        "Dirichlet(1) transitions, three actions, discount 0.9",
        lambda S, rng: instances.random_discounted(S, 3, 0.9, rng=rng),
        (5,),
        (5, 20),
    ),
    Family("riverswim", "RiverSwim-{size}", "average", "Osband's numbers", build.river("osband"), (6,), (6, 10)),
    Family(
        "riverswim-ucrl3",
        "RiverSwim-{size} (UCRL3)",
        "average",
        "the numbers of the UCRL3 code",
        build.river("ucrl3"),
        (6,),
        (6, 10),
    ),
    Family(
        "directed-cycle", "{size}-cycle", "average", "one action, one way round", build.directed_cycle, (6,), (6, 12)
    ),
    Family(
        "joa",
        "two states 1/{size}",
        "average",
        "the lower-bound model of UCRL2: delta one over the size, epsilon half of it",
        lambda n, rng: AverageModel(instances.joa(1.0 / n, 0.5 / n), DENOMINATOR),
        (10,),
        (10, 50),
    ),
    Family(
        "joa-tree",
        "{size} copies",
        "average",
        "copies of the two-state model in a binary tree",
        lambda copies, rng: AverageModel(instances.joa_tree(copies, 2, 0.1, 0.05), DENOMINATOR),
        (2,),
        (2, 4),
    ),
    Family(
        "random-average",
        "random-{size}",
        "average",
        "Dirichlet(1) transitions, two actions",
        lambda S, rng: AverageModel(instances.random_average_reward(S, 2, rng=rng), None),
        (5,),
        (5, 10),
    ),
    Family(
        "two-states",
        "two states {size} %",
        "chain",
        "left with that probability, re-entered with half of it",
        build.two_states,
        (50,),
        (10, 50, 100),
    ),
    Family("walk", "walk on {size}-cycle", "chain", "simple random walk", build.cycle, (8, 9), (8, 9, 15)),
    Family("path", "path 0-{size}", "chain", "simple walk, reflected at both ends", build.path, (5,), (5, 12)),
    Family(
        "riverswim-chain", "RiverSwim-{size}", "chain", "under its optimal policy", build.river_chain, (6,), (6, 12)
    ),
    Family(
        "indicators",
        "{size} indicators",
        "functions",
        "one function a point",
        build.of_scale_half(np.eye),
        (6,),
        (6, 12),
    ),
    Family(
        "indicators-and-zero",
        "{size} indicators and 0",
        "functions",
        "one function a point, and the zero function",
        build.of_scale_half(lambda n: np.vstack([np.eye(n), np.zeros((1, n))])),
        (6,),
        (6, 12),
    ),
    Family(
        "thresholds",
        "thresholds on {size}",
        "functions",
        "1 from some point on",
        build.of_scale_half(lambda n: np.vstack([np.triu(np.ones((n, n))), np.zeros((1, n))])),
        (6,),
        (6, 12),
    ),
    Family(
        "binary",
        "binary on {size}",
        "functions",
        "all functions with values 0 and 1",
        build.of_scale_half(build.bits),
        (4,),
        (4, 6),
    ),
    Family(
        "parities",
        "parities of {size} bits",
        "functions",
        "all parities, on all strings but 0",
        build.of_scale_half(lambda n: np.asarray(build.bits(n) @ build.bits(n)[1:].T % 2)),
        (3,),
        (3, 4),
    ),
    Family(
        "three-functions",
        "three functions",
        "functions",
        "attain their dimension far from the scale .01 that is asked for",
        build.three_functions,
        (3,),
        (3,),
    ),
    Family(
        "singletons",
        "singletons-{size}",
        "policies",
        "always 0, and one policy a state that deviates there; h states at layer h",
        build.singletons,
        (2, 3),
        (2, 3, 4),
    ),
    Family(
        "all-policies",
        "all on 1 and {size}",
        "policies",
        "all policies of two actions on a layer of one state and a layer of so many",
        build.all_policies,
        (2,),
        (2, 3),
    ),
    Family(
        "symmetric",
        "flipped {size} %",
        "emissions",
        "two states, two symbols",
        build.symmetric,
        (10, 50),
        (0, 10, 30, 50),
    ),
    Family("identity", "identity-{size}", "emissions", "the state is seen", lambda n, rng: np.eye(n), (3,), (3, 8)),
    Family(
        "random-emissions",
        "random 5 by {size}",
        "emissions",
        "Dirichlet(1) laws of five symbols, one a state",
        lambda S, rng: instances.dirichlet_rows((S, 5), 1.0, rng).T,
        (3,),
        (2, 3, 4, 5),
    ),
    Family("basis", "basis-{size}", "actions", "orthonormal vectors", lambda d, rng: np.eye(d), (5,), (5, 20)),
    Family("circle", "{size} on a circle", "actions", "equispaced vectors in the plane", build.circle, (7,), (7, 100)),
    Family(
        "unit-vectors",
        "{size} unit vectors",
        "actions",
        "random ones in dimension 5",
        lambda k, rng: instances.unit_vectors(k, 5, rng),
        (50,),
        (50, 1000),
    ),
    Family(
        "coins",
        "{size} coins",
        "models",
        "fair coins, one of which may be raised by one of 60 gaps around the hardest",
        build.coins,
        (2, 4, 8),
        (2, 4, 8, 16),
    ),
    Family(
        "symmetric-channel",
        "flips {size} %",
        "channel",
        "binary symmetric channel",
        build.symmetric,
        (10,),
        (0, 10, 30, 50),
    ),
    Family("erasure", "erases {size} %", "channel", "binary erasure channel", build.erasure, (30,), (10, 30, 60)),
    Family("outcomes", "{size} outcomes", "channel", "distinct and certain", lambda n, rng: np.eye(n), (4,), (4, 16)),
)

"""Studies of pessimism-lcb: exact risks by enumeration on F1 to F7, audited runs of VI-LCB on F7 and F8.

And grid worlds.
"""

from experiments.study import Study

from . import _pessimism_bandit as bandit
from . import _pessimism_mdp as mdp

STUDIES = tuple(
    Study(f"pessimism-lcb/{name}", title, cells, run)
    for name, title, cells, run in (
        ("greedy-trap", "F1: exact risk of three rules where C* is nearly 1", bandit.trap_cells, bandit.trap),
        ("mab-risk", "Exact risk of MAB-LCB over gaps", bandit.risk_cells, bandit.risk),
        ("most-played", "Exact failure probability of imitation", bandit.tail_cells, bandit.tail),
        ("two-point", "F2: exact Bayes risk, C* >= 2", bandit.two_point_cells, bandit.two_point),
        ("swapped", "F3: exact Bayes risk, C* in (1, 2)", bandit.swapped_cells, bandit.swapped),
        ("curves", "Worst exact risks in bandits over N", bandit.curve_cells, bandit.curves),
        ("penalty", "Worst risk of LCB over gaps for fixed L", bandit.penalty_cells, bandit.penalty),
        ("contexts", "F5, F6: exact risks, bound and Bayes risk", bandit.contexts_cells, bandit.contexts),
        ("interpolation", "The same at fixed N over C*", bandit.interpolation_cells, bandit.contexts),
        ("imitation-bias", "F4: exact risks of imitation and LCB", bandit.bias_cells, bandit.bias),
        ("expert", "Imitation of expert data on random contexts", bandit.expert_cells, bandit.expert),
        ("events", "How often the bandit event fails", bandit.event_cells, bandit.event),
        ("choices", "CB-LCB on random bandits, inside the event", bandit.choice_cells, bandit.choices),
        ("coverage", "Off-policy data mass and C*", mdp.coverage_cells, mdp.coverage),
        ("audit", "F8: every iteration of VI-LCB against the truth", mdp.audit_cells, mdp.audit),
        ("vi-events", "F8: how often the event of VI-LCB fails", mdp.event_cells, mdp.event),
        ("vi-risk", "F7: risk of VI-LCB over N", mdp.risk_cells, mdp.risk),
        ("decisions", "F7: exact Bayes risk", mdp.bayes_cells, mdp.bayes),
        ("published", "What the published constant makes of A4 and A6", mdp.published_cells, mdp.published),
        ("grid-worlds", "FrozenLake and Taxi, from expert to uniform data", mdp.world_cells, mdp.world),
    )
)

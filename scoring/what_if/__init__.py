"""What would have to change for a score to reach a target; exact, because rules are additive.

Needs the contract alone: the service answers with it, and so can anyone who has the rules.
"""

from scoring.what_if.smallest import Best, Changes, best_reachable, smallest_changes
from scoring.what_if.world import Change, LiveRecord, Way, World, live_points

__all__ = [
    "Best",
    "Change",
    "Changes",
    "LiveRecord",
    "Way",
    "World",
    "best_reachable",
    "live_points",
    "smallest_changes",
]

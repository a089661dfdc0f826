"""Do groups of people get the benefits at about the same rate? Groups are never inputs: they join
the finished scores here and nowhere else, and nothing of them is written back.

    groups      who belongs to which group: of the synthetic city, of a file, or a keyed split
    rates       benefit by benefit: rate per group, and the lowest ÷ the highest
"""

from scoring.fairness.rates import LEAST_RATIO, Comparison, GroupRate, compare

__all__ = ["LEAST_RATIO", "Comparison", "GroupRate", "compare"]

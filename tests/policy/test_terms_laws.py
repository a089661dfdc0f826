"""Laws of comparing what two notices stand for."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from scoring.contract.documents import Step
from scoring.policy.material import load_material
from scoring.policy.terms import (
    KindTerms,
    PurposeTerms,
    RuleTerms,
    Terms,
    Wording,
    changes_between,
    counts_alike,
    largest_move_points,
    material_reasons,
)

CODES = st.sampled_from(["a", "b", "c", "d"])
NAMES = st.sampled_from(["one", "two"]).map(lambda name: Wording(zh=name, en=name))
POINTS = st.integers(-40, 40)
STEPS = st.dictionaries(st.integers(0, 9), POINTS, min_size=1, max_size=3).map(
    lambda steps: [Step(at_least=at, points=points) for at, points in steps.items()]
)
PURPOSES = st.builds(PurposeTerms, code=CODES, name=NAMES)
KINDS = st.builds(KindTerms, code=CODES, name=NAMES, retention_days=st.integers(1, 3))
RULES = st.builds(
    RuleTerms,
    code=CODES,
    name=NAMES,
    kind=CODES,
    points=POINTS | STEPS,
    cap=st.integers(-90, 90),
    validity_days=st.integers(1, 3),
)


def listed(terms: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(terms, max_size=4, unique_by=lambda term: term.code)


TERMS = st.builds(
    Terms,
    base=st.integers(590, 610),
    purposes=listed(PURPOSES),
    kinds=listed(KINDS),
    rules=listed(RULES),
)
MIRRORED = {"added": "removed", "removed": "added", "changed": "changed"}


def told(old: Terms, new: Terms) -> Sequence[tuple[str, str, str]]:
    return sorted((c.what, c.how, c.code) for c in changes_between(old, new))


@given(TERMS)
def test_equal_terms_do_not_differ(terms: Terms) -> None:
    assert changes_between(terms, terms) == []
    assert material_reasons(terms, terms, load_material()) == []
    assert largest_move_points(terms, terms) == 0


@given(TERMS, TERMS)
def test_what_is_added_one_way_is_removed_the_other(old: Terms, new: Terms) -> None:
    mirrored = sorted((what, MIRRORED[how], code) for what, how, code in told(old, new))
    assert told(new, old) == mirrored


@given(TERMS, TERMS)
def test_nobody_moves_further_one_way_than_the_other(old: Terms, new: Terms) -> None:
    assert largest_move_points(old, new) == largest_move_points(new, old)


@given(TERMS, TERMS)
def test_a_difference_is_told_unless_both_stand_for_the_same(old: Terms, new: Terms) -> None:
    def as_a_set(terms: Terms) -> object:
        lists = (terms.purposes, terms.kinds, terms.rules)
        return terms.base, [{term.code: term for term in found} for found in lists]

    assert (told(old, new) == []) == (as_a_set(old) == as_a_set(new))


@given(TERMS, TERMS)
def test_where_rules_count_alike_nobody_moves(old: Terms, new: Terms) -> None:
    same = Terms(base=old.base, purposes=new.purposes, kinds=new.kinds, rules=old.rules[::-1])
    assert counts_alike(old, same)
    assert largest_move_points(old, same) == 0


@given(TERMS, TERMS)
def test_a_reason_is_given_only_with_a_difference(old: Terms, new: Terms) -> None:
    reasons = material_reasons(old, new, load_material())
    assert not reasons or told(old, new)
    assert len(set(reasons)) == len(reasons)

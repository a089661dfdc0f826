"""The rulebook as read from TOML, and the part of it that is in force on a day."""

import datetime as dt
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec

from scoring.contract.documents import Band, Step
from scoring.errors import InputRefused


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule's numbers from `effective_on`; exactly one of `points` and `steps` is given.
    `repeal_announced_on`: of an end without a value that follows."""

    effective_on: dt.date
    announced_on: dt.date
    repealed_on: dt.date | None = None
    repeal_announced_on: dt.date | None = None
    points: int | None = None
    steps: list[Step] | None = None
    cap: int
    validity_days: int
    legal_basis: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    name_en: str
    kind: str
    outcome: str
    measure: str | None = None
    unit: str
    reason: str
    author: str
    second_checker: str
    review_on: dt.date
    value: list[Value]


class Scale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base, range and bands from `effective_on`; `maximum` and band ends are inclusive."""

    effective_on: dt.date
    announced_on: dt.date
    repealed_on: dt.date | None = None
    repeal_announced_on: dt.date | None = None
    base: int
    minimum: int
    maximum: int
    bands: list[Band]
    legal_basis: str
    reason: str
    author: str
    second_checker: str
    review_on: dt.date


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind and outcome in words; `without_rule`: its status where no rule counts it."""

    kind: str
    outcome: str
    name: str
    name_en: str
    what_to_do: str
    what_to_do_en: str
    without_rule: Literal["minor", "fulfilled", "no_rule"]


class RuleInForce(msgspec.Struct, frozen=True):
    rule: Rule
    value: Value

    @property
    def steps(self) -> list[Step]:
        """Points by measure; a flat rule is one step that every measure reaches."""
        if self.value.steps is not None:
            return self.value.steps
        return [Step(at_least=0, points=self.value.points or 0)]


class RulesInForce(msgspec.Struct, frozen=True):
    scale: Scale
    rules: list[RuleInForce]


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    scales: list[Scale]
    rules: list[Rule]
    facts: list[Fact]

    def in_force(self, as_of: dt.date) -> RulesInForce:
        """Scale and rules of that day, in the order of the file. Raises InputRefused `rule_gap`
        where the day has no scale."""
        scale = _in_force(self.scales, as_of)
        if scale is None:
            raise InputRefused(
                "rule_gap",
                f"no base and bands are in force on {as_of}",
                where="[[scale]]",
                do="choose a day on which the rulebook holds, or add a dated scale",
            )
        dated = ((rule, _in_force(rule.value, as_of)) for rule in self.rules)
        return RulesInForce(
            scale, [RuleInForce(rule, value) for rule, value in dated if value is not None]
        )


_Dated = TypeVar("_Dated", Value, Scale)


def _in_force(values: Sequence[_Dated], as_of: dt.date) -> _Dated | None:
    started = [value for value in values if value.effective_on <= as_of]
    if not started:
        return None
    latest = max(started, key=lambda value: value.effective_on)
    is_over = latest.repealed_on is not None and latest.repealed_on <= as_of
    return None if is_over else latest

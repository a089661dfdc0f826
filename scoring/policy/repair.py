"""From when a record may be repaired: the dated table, and months as the law counts them."""

import calendar
import datetime as dt
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from scoring.errors import InputRefused

RepairClass = Literal["minor", "general", "serious"]
Certainty = Literal["verified", "secondary", "memory", "city"]


class ClassPeriods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Months from the deciding document: repair from `minimum_months` on; at `maximum_months` it
    ends by itself."""

    id: RepairClass
    name: str
    minimum_months: int
    maximum_months: int
    certainty: Certainty


class RepairPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Governs decisions from `effective_on` until the next policy's day."""

    version: str
    effective_on: dt.date
    legal_basis: str
    classes: list[ClassPeriods] = msgspec.field(name="class")


class Repairable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    outcome: str
    class_id: RepairClass = msgspec.field(name="class")
    certainty: Certainty


class RepairTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy says about one record. `earliest_on`: first day of an application;
    `ends_on`: first day on which the record has ended by itself."""

    class_id: RepairClass
    class_name: str
    policy_version: str
    legal_basis: str
    earliest_on: dt.date
    ends_on: dt.date


class RepairTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`policies` in the order of their days."""

    policies: list[RepairPolicy] = msgspec.field(name="policy")
    repairables: list[Repairable] = msgspec.field(name="repairable")

    def terms(self, kind: str, outcome: str, decided_on: dt.date) -> RepairTerms | None:
        """None for a record that cannot be repaired: it does not weigh against the citizen, or
        ends with the duty, or was decided before any policy."""
        class_id = next(
            (r.class_id for r in self.repairables if (r.kind, r.outcome) == (kind, outcome)), None
        )
        policy = self._in_force(decided_on)
        if class_id is None or policy is None:
            return None
        periods = next(c for c in policy.classes if c.id == class_id)
        return RepairTerms(
            class_id=class_id,
            class_name=periods.name,
            policy_version=policy.version,
            legal_basis=policy.legal_basis,
            earliest_on=months_after(decided_on, periods.minimum_months),
            ends_on=months_after(decided_on, periods.maximum_months),
        )

    def _in_force(self, day: dt.date) -> RepairPolicy | None:
        return next((p for p in reversed(self.policies) if p.effective_on <= day), None)


def months_after(day: dt.date, months: int) -> dt.date:
    """The day of the same number, or the month's last where it has none (民法典 Art. 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


@cache
def load_repair_table() -> RepairTable:
    text = resources.files("scoring.policy").joinpath("repair.toml").read_text("utf-8")
    return repair_table_of(text)


def repair_table_of(toml: str) -> RepairTable:
    """Raises InputRefused `repair_policy_wrong`."""
    try:
        table = msgspec.toml.decode(toml, type=RepairTable)
    except msgspec.DecodeError as error:
        raise _wrong(str(error)) from error
    days = [policy.effective_on for policy in table.policies]
    if days != sorted(set(days)):
        raise _wrong("policies do not follow each other in time")
    for policy in table.policies:
        _check(policy)
    kinds = [(r.kind, r.outcome) for r in table.repairables]
    if len(kinds) != len(set(kinds)):
        raise _wrong("a record has two classes")
    return table


def _check(policy: RepairPolicy) -> None:
    if sorted(c.id for c in policy.classes) != ["general", "minor", "serious"]:
        raise _wrong(f"{policy.version} does not name each class once")
    for periods in policy.classes:
        if not 0 <= periods.minimum_months < periods.maximum_months:
            raise _wrong(f"{policy.version} {periods.id}: the shortest period is not the shorter")


def _wrong(what: str) -> InputRefused:
    return InputRefused("repair_policy_wrong", what, where="repair.toml", do="compare the law")

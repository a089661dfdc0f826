"""What the rows of a history point into, and the days on which the law changed in between."""

import datetime as dt

import msgspec

from scoring.contract.documents import HistoryDocument, HistorySnapshot, RulesDocument
from scoring.history.previous import NO_HISTORY, Previous
from scoring.rulebook import Rulebook
from scoring.rulebook.model import Scale, Value

SCALE = ""  # in place of a rule's id: base and range


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """`document`: its last snapshot is the one that shows the new rows. `rule_ids`: of this snapshot,
    by rule index. `law_days`: rule id or SCALE -> day of its last change after the snapshot before,
    where there was one."""

    document: HistoryDocument
    rule_ids: list[str]
    previous: Previous | None
    law_days: dict[str, dt.date]

    @property
    def snapshot(self) -> str:
        return self.document.snapshots[-1].snapshot


def lineage_of(
    snapshot: str,
    as_of: dt.date,
    rules: RulesDocument,
    rulebook: Rulebook,
    previous: Previous | None,
) -> Lineage:
    before = previous.document if previous else NO_HISTORY
    entry = HistorySnapshot(snapshot=snapshot, as_of=as_of, rules_version=rules.version)
    known = set(before.rules)
    new_rules = [rule.id for rule in rules.rules if rule.id not in known]
    if previous is not None:
        new_rules += [r for r in previous.rule_ids if r not in known and r not in set(new_rules)]
    return Lineage(
        document=HistoryDocument(
            snapshots=[*before.snapshots, entry], rules=[*before.rules, *new_rules]
        ),
        rule_ids=[rule.id for rule in rules.rules],
        previous=previous,
        law_days=law_days(rulebook, previous.as_of, as_of) if previous else {},
    )


def law_days(rulebook: Rulebook, after: dt.date, until: dt.date) -> dict[str, dt.date]:
    """Days in (after, until] on which a rule or the scale changed, began or ended; the last ones."""
    values: list[tuple[str, Value | Scale]] = [(SCALE, scale) for scale in rulebook.scales]
    values += [(rule.id, value) for rule in rulebook.rules for value in rule.value]
    days: dict[str, dt.date] = {}
    for name, value in values:
        for day in (value.effective_on, value.repealed_on):
            if day is not None and after < day <= until:
                days[name] = max(day, days.get(name, day))
    return days

"""What her cases make of a record: the column `state` the batch builds with.

Whatever takes a record away for good wins over what only holds it back: a dispute decided against
her must not bring back a record that was repaired in the meantime. A record nobody could confirm
(`undecided`) stays marked and does not count: in doubt for the citizen.
"""

from collections.abc import Iterable

from api.ledger.protocol import Event
from api.rights.case import Case, folded_cases
from scoring.contract.ledger_tables import RecordState


def record_state(cases: Iterable[Case]) -> RecordState | None:
    """`cases`: all disputes and repairs of one record. None: it stands as the department sent it."""
    found = list(cases)
    if any(case.type == "dispute" and case.has_outcome("upheld") for case in found):
        return "removed"
    if any(case.type == "repair" and case.has_outcome("granted") for case in found):
        return "repaired"
    is_marked = any(
        case.type == "dispute" and (case.decision is None or case.has_outcome("undecided"))
        for case in found
    )
    return "disputed" if is_marked else None


def record_states(events: Iterable[Event]) -> list[tuple[str, str, RecordState]]:
    """(record_id, subject, state) of every record that has one, by subject, then record.
    `events`: of CASE_KINDS, in order."""
    of_record: dict[tuple[str, str], list[Case]] = {}
    for case in folded_cases(events).values():
        if case.record_id is not None:
            of_record.setdefault((case.subject, case.record_id), []).append(case)
    return [
        (record_id, subject, state)
        for (subject, record_id), cases in sorted(of_record.items())
        if (state := record_state(cases)) is not None
    ]

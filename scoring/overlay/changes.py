"""What the ledger says of the citizens whose score may have changed."""

import polars as pl

from scoring.contract.ledger_tables import RECORD_STATE_COLUMNS

CHANGED: dict[str, pl.DataType] = {"subject": pl.String(), "changed_on": pl.Date()}
ENROLLED: dict[str, pl.DataType] = {"subject": pl.String(), "notice_version": pl.String()}
STATES: dict[str, pl.DataType] = dict.fromkeys(RECORD_STATE_COLUMNS, pl.String())


class LedgerChanges:
    """State of the ledger at `position`. `changed`: CHANGED, the day of the last event in the city;
    `enrolled`: ENROLLED, those of them who are, by an acceptance that stands; `states`: STATES of
    their records."""

    def __init__(
        self,
        position: int,
        changed: pl.DataFrame,
        enrolled: pl.DataFrame,
        states: pl.DataFrame,
    ) -> None:
        self.position = position
        self.changed = changed
        self.enrolled = enrolled
        self.states = states

"""Tables the ledger exports to the batch: the only way live events reach a build.

An export is a folder `exports/<position>/` with one Parquet file a table and `export.json`
(ExportManifest). `position` is the sequence number of the last event folded in.
"""

from typing import Literal

import msgspec

ENROLMENTS_TABLE = "enrolments"  # one row per person whose enrolment is active at `position`
RECORD_STATES_TABLE = "record_states"  # one row per record with a live dispute or granted repair

# column -> type word: text, integer (64 bit), instant (UTC, milliseconds)
ENROLMENT_COLUMNS = {"subject": "text", "enrolled_at": "instant", "notice_version": "text"}
RECORD_STATE_COLUMNS = {"record_id": "text", "subject": "text", "state": "text"}
RecordState = Literal["disputed", "repaired", "removed"]  # in the column `state`


class ExportedTable(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    path: str
    rows: int
    sha256: str


class ExportManifest(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    tables: list[ExportedTable]

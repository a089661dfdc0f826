"""The sender's note beside every departments' file: `<file>.note.json`.

A file without a note, or one whose rows or SHA-256 differ from it, is refused: a cut-off CSV is
otherwise read without a word (short rows become null, a lost tail is simply missing).
"""

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import msgspec

NOTE_SUFFIX = ".note.json"


class DeliveryNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rows`: data rows without the header. `sha256`: hex in either case, of the file's
    bytes as sent.

    `encoding` is what the sender declares; GB18030 is transcoded, anything undeclared is refused.
    """

    file: str
    kind: str
    department_code: str
    rows: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{64}$")]
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    sent_on: dt.date


def note_path(file: Path) -> Path:
    return file.with_name(file.name + NOTE_SUFFIX)

"""First stage: does the sender's note exist, and is she allowed to send this?"""

import datetime as dt
from pathlib import Path

import msgspec

from scoring.catalogue.kinds import Catalogue, SourceKind
from scoring.delivery import DeliveryNote, note_path
from scoring.errors import InputRefused


def read_note(file: Path) -> DeliveryNote:
    path = note_path(file)
    try:
        return msgspec.json.decode(path.read_bytes(), type=DeliveryNote)
    except FileNotFoundError:
        raise InputRefused(
            "note_missing",
            "the file came without the sender's note",
            where=path.name,
            do="ask for the note: rows, SHA-256, encoding and day of sending",
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRefused(
            "note_unreadable", str(error), where=path.name, do="ask for a correct note"
        ) from error


def check_note(
    file: Path, note: DeliveryNote, catalogue: Catalogue, received_on: dt.date
) -> SourceKind:
    """The kind the note names. Raises InputRefused where file, kind, sender or day do not fit."""
    if note.file != file.name:
        raise InputRefused(
            "note_of_another_file", f"the note is for {note.file!r}", where=file.name
        )
    if note.sent_on > received_on:
        # It would stand before everything the department sends until that day.
        raise InputRefused(
            "sent_in_the_future",
            f"the note says it was sent on {note.sent_on}, and it is {received_on}",
            where=file.name,
            do="ask for a note with the day of sending",
        )
    kind = catalogue.kind(note.kind)
    if kind is None:
        raise InputRefused(
            "not_in_catalogue",
            f"{note.kind!r} is not a source kind",
            where=file.name,
            do="what is not in the catalogue may not be collected",
        )
    if note.department_code not in kind.departments:
        raise InputRefused(
            "department_not_in_catalogue",
            f"{note.department_code!r} does not send {kind.id}",
            where=file.name,
        )
    return kind

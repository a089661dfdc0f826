"""归集, the door: departments' files become facts of the lake under pseudonyms.

The stages in order, one module each:

    delivery_note   may she send this, and what does she say it is?
    file_bytes      plain text, byte for byte what the note says
    lines           encoding, line numbers, batches
    header          exactly the fields of the kind
    rows            as many cells as the header, quotes right
    column_rules    presence, length, form, range, list, check digits
    characters      no control characters, stray spaces, formulas
    row_rules       conditions across cells, retention
    facts           outcome, measure, days; everything else is dropped
    duplicates      a key that stands twice has no silent winner
    pseudonyms      ID numbers leave
    parts           Parquet by bucket
    lake_commit     all of it or nothing

`checking` runs lines to duplicates, `door` all of them, `tree` over a folder.
"""

from scoring.ingest.door import ingest_file
from scoring.ingest.report import IngestReport, Refusal, TreeReport
from scoring.ingest.tree import ingest_tree

__all__ = ["IngestReport", "Refusal", "TreeReport", "ingest_file", "ingest_tree"]

"""The snapshot's record layout and key scheme: written by the batch, read by the API.

Evolution: new manifest members get defaults; value formats change only with SCHEMA_VERSION, and a
reader refuses a snapshot whose `min_reader` is above its own SCHEMA_VERSION. Reader N-1 must read
snapshot N and the other way round before a deploy.

In Valkey, for a snapshot `v` (ADR 1):

    h:v:{b}   hash, field = first 16 characters of the snapshot subject, value = hot record
    x:v:{b}   hash, same field, value = explanation
    y:v:{b}   hash, same field, value = history: how the score came to be what it is
    o:v       hash, same field, value = ledger position up to which this citizen's three records
              were laid over those of the build; field `position`: the same of the whole version
    d:v       hash, field = document name (DOCUMENTS), value = JSON bytes, served as they are
    m:v       string, the manifest's JSON
    current   string, id of the snapshot being served
    l:s       string, live mark of snapshot subject s: `e:notice:seq`, enrolled by accepting that
              version of the notice, or `w:seq`, withdrawn
    c:h       string, live consent of handle h (api/consents/codec.py), its owner sealed; gone a
              day after the consent's end

    u:h:day   counter, uses of the consent with handle h on a day of the city (since 1970)
    q:who:n   counter, requests of a partner (p.id) or citizen (c.s) in the n-th minute
    f:what:n  counter, failed authentications of a client or source, digested, in the n-th minute
    i:digest  string, a question with an Idempotency-Key that is being answered; gone after seconds
    e:who     set, days on which consents of a partner end or may end (ISO)
    b:who:n   counter, refused questions of a partner in the n-th ten minutes
    j:digest  string, a client assertion that was used; gone when it would have expired

    versions       hash, id of every snapshot with a key here -> StoredVersion; written before the
                   first and removed after the last of its keys, so that nothing can be orphaned
    ptr:next       string, id being loaded; renamed to `current` by the flip
    ptr:rollback   string, id that `rollback` returns to; by hand: RENAME ptr:rollback current
    ptr:publisher  string, the connection that may publish and prune, gone when nobody does
    ptr:marks      string, ledger position after which every live mark is here; it is missing
                   exactly when the store lost its data
    ptr:consents   string, ledger position up to which every consent is here
    ptr:claims     string, Unix seconds since when every `j:` and `u:` is here
    ptr:overlay    string, the last overlay that ended well (OverlayRun)

`m:v` is set last and removed first: where it is, the snapshot is complete. A reader that finds no
record asks for `m:v` before it believes that there is none.

`{b}` is a hash tag: one citizen's records live in one slot of a cluster. Buckets hold about
64 citizens, so that they stay listpacks (33 B instead of 207 B per citizen).
"""

import datetime as dt
import string
from typing import Literal

import msgspec

# 2: a hot record may name the notice its citizen accepted. A snapshot in which none does is one that
# readers of layout 1 can read, and says so.
SCHEMA_VERSION = 2
SCHEMA_WITHOUT_NOTICES = 1
# What marks and snapshots stand for that name no notice: they are older than the naming.
UNNAMED_NOTICE = "2026-01"
FIELD_CHARS = 16
TAG_CHARS = 6
CITIZENS_PER_BUCKET = 64
# Listpack limits the store must be started with; a larger value turns a bucket into a hash table,
# which triples its memory without a word. 64 citizens x 2 KiB of explanation at most.
STORE_CONFIG = {"hash-max-listpack-entries": "512", "hash-max-listpack-value": "8192"}

CURRENT_KEY = "current"
NEXT_KEY = "ptr:next"
ROLLBACK_KEY = "ptr:rollback"
PUBLISHER_KEY = "ptr:publisher"
MARKS_KEY = "ptr:marks"
CONSENTS_KEY = "ptr:consents"
CLAIMS_KEY = "ptr:claims"
OVERLAY_RUN_KEY = "ptr:overlay"
VERSIONS_KEY = "versions"

RULES_DOCUMENT = "rules"
BENEFITS_DOCUMENT = "benefits"
CATALOGUE_DOCUMENT = "catalogue"
TABLES_DOCUMENT = "tables"
FIGURES_DOCUMENT = "figures"
DOCUMENTS = (
    RULES_DOCUMENT,
    BENEFITS_DOCUMENT,
    CATALOGUE_DOCUMENT,
    TABLES_DOCUMENT,
    FIGURES_DOCUMENT,
)
# What the rows of a history point into; a snapshot made before there were histories has none.
HISTORY_DOCUMENT = "history"

# Status codes of an explanation item, in the order of their numbers in the record.
ItemStatus = Literal[
    "counted",  # gives its rule's points, cut by the cap where need be
    "capped",  # would give points, but the rule's cap is used up: 0
    "expired",  # as_of >= expires_on
    "minor",  # class 轻微: never counts
    "fulfilled",  # obligation met: no longer counts
    "no_rule",  # no published rule counts this fact, e.g. a month in which nothing was due
    "disputed",  # 异议中: does not count until a person has decided
    "repaired",  # 信用修复 granted
]
ITEM_STATUSES: tuple[ItemStatus, ...] = (
    "counted",
    "capped",
    "expired",
    "minor",
    "fulfilled",
    "no_rule",
    "disputed",
    "repaired",
)

# Why a score changed, in the order of their numbers in the record.
HistoryCause = Literal[
    "enrolment",  # the first score; the change is what it differs from the base
    "new_record",
    "expiry",
    "rule_change",
    "repair",
    "dispute",  # a record is disputed and does not count, or the dispute has been decided
    "correction",  # a department, the office or the score's own maker put something right
]
HISTORY_CAUSES: tuple[HistoryCause, ...] = (
    "enrolment",
    "new_record",
    "expiry",
    "rule_change",
    "repair",
    "dispute",
    "correction",
)
# Rows a citizen's history keeps, the newest: some four years of a busy life, 2 KiB at most.
HISTORY_ROWS = 50
OVERLAY_POSITION_FIELD = "position"  # shorter than any citizen's field

_BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"  # RFC 4648, 5
# Half the time of base64.urlsafe_b64decode, and this is on the way of every read.
_SEXTET = {character: value for value, character in enumerate(_BASE64URL)}


def bucket_count_for(citizens: int) -> int:
    """A power of two giving at most CITIZENS_PER_BUCKET citizens a bucket on average; at least 1."""
    wanted = max(1, -(-citizens // CITIZENS_PER_BUCKET))
    return 1 << (wanted - 1).bit_length()


def bucket_of(snapshot_subject: str, bucket_count: int) -> int:
    """Bucket number from the first 24 bits; uniform, because the subject is a keyed hash."""
    s = snapshot_subject
    first = _SEXTET[s[0]] << 18 | _SEXTET[s[1]] << 12 | _SEXTET[s[2]] << 6 | _SEXTET[s[3]]
    return first * bucket_count >> 24


def field_of(snapshot_subject: str) -> str:
    return snapshot_subject[:FIELD_CHARS]


def tag_of(snapshot_subject: str) -> str:
    """Leads every value: a reader compares it before answering, so that a reply that belongs to
    another citizen (mixed-up replies, swapped records) is an error and never an answer."""
    return snapshot_subject[FIELD_CHARS:]


def hot_key(snapshot: str, bucket: int) -> str:
    return f"h:{snapshot}:{{{bucket}}}"


def explanation_key(snapshot: str, bucket: int) -> str:
    return f"x:{snapshot}:{{{bucket}}}"


def history_key(snapshot: str, bucket: int) -> str:
    return f"y:{snapshot}:{{{bucket}}}"


def overlay_key(snapshot: str) -> str:
    return f"o:{snapshot}"


def documents_key(snapshot: str) -> str:
    return f"d:{snapshot}"


def manifest_key(snapshot: str) -> str:
    return f"m:{snapshot}"


def live_key(snapshot_subject: str) -> str:
    return f"l:{snapshot_subject}"


def consent_key(handle: str) -> str:
    return f"c:{handle}"


def ends_key(partner: str) -> str:
    return f"e:{partner}"


def uses_key(handle: str, day: int) -> str:
    return f"u:{handle}:{day}"


class StoredVersion(msgspec.Struct, frozen=True):
    """Value in `versions`: its four numbers joined by `,`.

    `flip_number`: grows with every flip; 0 = not to return to: incomplete, rolled back from, or
    being removed. `retired_ms`: UTC milliseconds at which it stopped being current, else 0.
    """

    flip_number: int
    bucket_count: int
    ledger_position: int
    retired_ms: int


def decode_stored_version(value: bytes) -> StoredVersion:
    try:
        return StoredVersion(*(int(number) for number in value.split(b",")))
    except (ValueError, TypeError) as error:
        raise RecordCorrupt("entry of `versions` does not parse") from error


class HotRecord(msgspec.Struct, frozen=True):
    """`<tag><score>,<band index>`, e.g. `x8Kq_z687,3`; band index into the rules document's bands.

    A third member names the notice its citizen accepted, where that has later terms than the
    manifest's `notice`, which everybody else here has accepted."""

    score_points: int
    band_index: int
    notice: str = ""


class ExplanationItem(msgspec.Struct, frozen=True):
    """One record of a citizen. Joined by `|` after the tag; members by `,` in this order.

    `fact_index`, `rule_index`, `source_index` point into the tables document; `rule_index` is -1
    where no rule counts the fact. Days are days since 1970-01-01; `expires_day` empty = never.
    `measure`: overdue days, level or 0, as the fact's table row says.
    """

    record_id: str
    fact_index: int
    rule_index: int
    points: int
    status_index: int
    happened_day: int
    expires_day: int | None
    source_index: int
    measure: int


class HistoryRow(msgspec.Struct, frozen=True):
    """One change of a citizen's score. Joined by `|` after the tag, newest first; members by `,` in
    this order. The score after the newest change is the hot record's; after an older one, that less
    the changes since.

    `rule_index` (empty: no single rule) and `snapshot_index` point into the history document;
    `record_id` is empty where a change has no single record. The day is the one on which the score
    changed, empty where it is the as-of day of the snapshot, which is the first that shows it.
    """

    day: int | None
    change_points: int
    cause_index: int
    record_id: str
    rule_index: int | None
    snapshot_index: int


class RecordCorrupt(ValueError):
    """A stored value is not what this reader wrote: wrong tag, missing member, not a number."""


def decode_hot(value: bytes, tag: str) -> HotRecord:
    try:
        text = value.decode("ascii")
        if text[:TAG_CHARS] != tag:
            raise RecordCorrupt("hot record of another citizen")
        score, band, *notice = text[TAG_CHARS:].split(",")
        if len(notice) > 1:
            raise RecordCorrupt("hot record has a member too many")
        return HotRecord(int(score), int(band), *notice)
    except RecordCorrupt:
        raise
    except ValueError as error:
        raise RecordCorrupt("hot record does not parse") from error


def enrolled_mark(notice: str, seq: int) -> bytes:
    return f"e:{notice}:{seq}".encode("ascii")


def withdrawn_mark(seq: int) -> bytes:
    return b"w:%d" % seq


def notice_in_mark(mark: bytes) -> str:
    """The version an `e` mark stands for. A mark of before they named one is `e:seq`."""
    parts = mark.decode("ascii").split(":")
    return parts[1] if len(parts) == 3 else UNNAMED_NOTICE


def decode_explanation(value: bytes, tag: str) -> list[ExplanationItem]:
    try:
        text = value.decode("ascii")
        if text[:TAG_CHARS] != tag:
            raise RecordCorrupt("explanation of another citizen")
        body = text[TAG_CHARS:]
        return [_decode_item(item) for item in body.split("|")] if body else []
    except RecordCorrupt:
        raise
    except ValueError as error:
        raise RecordCorrupt("explanation does not parse") from error


def _decode_item(text: str) -> ExplanationItem:
    record_id, fact, rule, points, status, happened, expires, source, measure = text.split(",")
    return ExplanationItem(
        record_id=record_id,
        fact_index=int(fact),
        rule_index=int(rule),
        points=int(points),
        status_index=int(status),
        happened_day=int(happened),
        expires_day=int(expires) if expires else None,
        source_index=int(source),
        measure=int(measure),
    )


def decode_history(value: bytes, tag: str) -> list[HistoryRow]:
    try:
        text = value.decode("ascii")
        if text[:TAG_CHARS] != tag:
            raise RecordCorrupt("history of another citizen")
        body = text[TAG_CHARS:]
        return [_decode_row(row) for row in body.split("|")] if body else []
    except RecordCorrupt:
        raise
    except ValueError as error:
        raise RecordCorrupt("history does not parse") from error


def _decode_row(text: str) -> HistoryRow:
    day, change, cause, record_id, rule, snapshot = text.split(",")
    return HistoryRow(
        day=int(day) if day else None,
        change_points=int(change),
        cause_index=int(cause),
        record_id=record_id,
        rule_index=int(rule) if rule else None,
        snapshot_index=int(snapshot),
    )


def day_of(number: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=number)


class OverlayRun(msgspec.Struct, frozen=True, array_like=True):
    """`position`: ledger position up to which every change lies over `snapshot`; `at_seconds`: Unix
    seconds of the store's clock; `citizens`: whose records lie over those of the build."""

    snapshot: str
    position: int
    at_seconds: int
    citizens: int


class SourcePart(msgspec.Struct, frozen=True, kw_only=True):
    """A lake file this snapshot was made from; path relative to the lake."""

    path: str
    rows: int
    sha256: str


class SnapshotPart(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the snapshot; path relative to its folder. `keys`: Valkey keys a RESP part sets."""

    path: str
    role: Literal["scores", "items", "history", "records", "documents"]
    rows: int
    size_bytes: int
    sha256: str
    keys: int = 0


class LookupPart(msgspec.Struct, frozen=True, kw_only=True):
    """Where the buckets of the RESP part `records` stand in it (scoring.contract.lookup)."""

    path: str
    records: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is and was made from. No build time in it: same inputs, same bytes."""

    schema: int = SCHEMA_VERSION
    min_reader: int = SCHEMA_VERSION
    snapshot: str
    as_of: dt.date
    rules_version: str
    ledger_position: int
    previous: str = ""  # the snapshot its histories continue
    notice: str = UNNAMED_NOTICE  # whose terms everybody in it has accepted
    bucket_count: int
    citizens: int
    items: int
    score_histogram: dict[str, int]  # band code -> citizens; what the publish gate compares
    score_sum_points: int
    sources: list[SourcePart]
    parts: list[SnapshotPart]
    lookups: list[LookupPart] = []  # none in snapshots made before there were any

    @property
    def files(self) -> list[SnapshotPart | LookupPart]:
        """Everything in the folder but the manifest and its signature."""
        return [*self.parts, *self.lookups]

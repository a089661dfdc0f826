"""Small signed snapshots made from the contract alone, for tests of everything behind the build.

`city` gives every citizen of version n the score of `score_in(n)`, so that an answer made of two
versions gives itself away.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import hiredis
import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scoring import signing
from scoring.contract.documents import (
    Band,
    BandFigure,
    BenefitsDocument,
    CatalogueDocument,
    FactRow,
    FiguresDocument,
    RuleRow,
    RulesDocument,
    SourceRow,
    TablesDocument,
)
from scoring.contract.lookup import Sort, lookup_bytes
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import (
    ExplanationItem,
    LookupPart,
    Manifest,
    SnapshotPart,
    bucket_count_for,
    bucket_of,
    documents_key,
    explanation_key,
    field_of,
    hot_key,
    tag_of,
)

SNAPSHOT_KEY = bytes(range(32))
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC_KEY = SIGNING_KEY.public_key()
AS_OF = dt.date(2026, 1, 15)
BASE_POINTS = 600
BANDS = [
    Band(code="a", name="一", name_en="one", from_=0, to=599),
    Band(code="b", name="二", name_en="two", from_=600, to=1000),
]

Citizens = Mapping[str, tuple[int, list[ExplanationItem]]]


def subject(number: int) -> str:
    """Snapshot subject of the n-th synthetic citizen."""
    return snapshot_subject_of(SNAPSHOT_KEY, f"citizen-{number}")


def item(points: int, record_id: str = "r-1") -> ExplanationItem:
    return ExplanationItem(record_id, 0, 0, points, 0, 20_000, 20_730, 0, 0)


def score_in(version: int) -> int:
    return BASE_POINTS + version % 100


def city(size: int, version: int) -> Citizens:
    """Citizens 0…size-1; each has one record worth `version % 100` points."""
    points = version % 100
    return {
        subject(number): (BASE_POINTS + points, [item(points, f"r-{version}-{number}")])
        for number in range(size)
    }


def hot_value(name: str, score_points: int) -> bytes:
    return f"{tag_of(name)}{score_points},{int(score_points >= 600)}".encode()


def explanation_value(name: str, items: Iterable[ExplanationItem]) -> bytes:
    rows = (
        ",".join("" if v is None else str(v) for v in msgspec.structs.astuple(row)) for row in items
    )
    return (tag_of(name) + "|".join(rows)).encode()


def write_snapshot(
    root: Path,
    snapshot: str,
    citizens: Citizens,
    *,
    as_of: dt.date = AS_OF,
    ledger_position: int = 0,
    min_reader: int = 1,
    without: Iterable[str] = (),
) -> Path:
    """`root/<snapshot>`. `without`: documents to leave out."""
    folder = root / snapshot
    folder.mkdir(parents=True)
    bucket_count = bucket_count_for(len(citizens))
    records, lookup = _records(folder, snapshot, citizens, bucket_count)
    parts = [
        *_tables(folder, citizens),
        records,
        _documents(folder, snapshot, len(citizens), set(without)),
    ]
    manifest = Manifest(
        min_reader=min_reader,
        snapshot=snapshot,
        as_of=as_of,
        rules_version="rules-test",
        ledger_position=ledger_position,
        bucket_count=bucket_count,
        citizens=len(citizens),
        items=sum(len(items) for _, items in citizens.values()),
        score_histogram=_histogram(citizens),
        score_sum_points=sum(score for score, _ in citizens.values()),
        sources=[],
        parts=parts,
        lookups=[lookup],
    )
    write_manifest(folder, manifest)
    return folder


def write_manifest(folder: Path, manifest: Manifest) -> None:
    body = msgspec.json.encode(manifest)
    (folder / "manifest.json").write_bytes(body)
    (folder / "manifest.sig").write_bytes(signing.sign(SIGNING_KEY, body))


def _histogram(citizens: Citizens) -> dict[str, int]:
    high = sum(score >= 600 for score, _ in citizens.values())
    return {"a": len(citizens) - high, "b": high}


def _part(folder: Path, name: str, role: str, rows: int, keys: int = 0) -> SnapshotPart:
    body = (folder / name).read_bytes()
    return msgspec.convert(
        {
            "path": name,
            "role": role,
            "rows": rows,
            "size_bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "keys": keys,
        },
        SnapshotPart,
    )


def _tables(folder: Path, citizens: Citizens) -> list[SnapshotPart]:
    scores = pl.DataFrame(
        {"subject": list(citizens), "score_points": [score for score, _ in citizens.values()]}
    )
    rows = [(name, i.record_id, i.points) for name, (_, items) in citizens.items() for i in items]
    items = pl.DataFrame(rows, schema=["subject", "record_id", "points"], orient="row")
    scores.write_parquet(folder / "scores.parquet")
    items.write_parquet(folder / "items.parquet")
    return [
        _part(folder, "scores.parquet", "scores", scores.height),
        _part(folder, "items.parquet", "items", items.height),
    ]


def _records(
    folder: Path, snapshot: str, citizens: Citizens, bucket_count: int
) -> tuple[SnapshotPart, LookupPart]:
    hot: dict[int, list[bytes]] = {}
    explained: dict[int, list[bytes]] = {}
    for name, (score, items) in citizens.items():
        bucket, field = bucket_of(name, bucket_count), field_of(name).encode()
        hot.setdefault(bucket, []).extend((field, hot_value(name, score)))
        explained.setdefault(bucket, []).extend((field, explanation_value(name, items)))
    content = b""
    places: list[tuple[Sort, int, int, int]] = []
    sorts: list[tuple[Sort, Callable[[str, int], str], dict[int, list[bytes]]]] = [
        ("hot", hot_key, hot),
        ("explanation", explanation_key, explained),
    ]
    for sort, key, buckets in sorts:
        for bucket, members in sorted(buckets.items()):
            command = hiredis.pack_command((b"HSET", key(snapshot, bucket), *members))
            places.append((sort, bucket, len(content), len(content) + len(command)))
            content += command
    (folder / "records-00.resp").write_bytes(content)
    part = _part(folder, "records-00.resp", "records", 2 * len(citizens), len(places))
    return part, _lookup(folder, lookup_bytes(content, 0, bucket_count, places))


def _lookup(folder: Path, content: bytes) -> LookupPart:
    (folder / "records-00.lookup").write_bytes(content)
    return LookupPart(
        path="records-00.lookup",
        records="records-00.resp",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _documents(folder: Path, snapshot: str, citizens: int, without: set[str]) -> SnapshotPart:
    documents = {
        "rules": RulesDocument(
            version="rules-test", effective_on=AS_OF, base=BASE_POINTS, minimum=0, maximum=1000,
            bands=BANDS, rules=[],
        ),
        "benefits": BenefitsDocument(items=[]),
        "catalogue": CatalogueDocument(version="catalogue-test", items=[]),
        "tables": _lookup_tables(),
        "figures": FiguresDocument(
            as_of=AS_OF, snapshot=snapshot, rules_version="rules-test", enrolled=citizens,
            records=citizens, bands=[BandFigure(code="a", name="一", citizens=None)],
        ),
    }  # fmt: skip
    members: list[bytes | str] = []
    for name, document in documents.items():
        if name not in without:
            members += [name, msgspec.json.encode(document)]
    command = hiredis.pack_command(("HSET", documents_key(snapshot), *members))
    (folder / "documents.resp").write_bytes(command)
    return _part(folder, "documents.resp", "documents", len(members) // 2, 1)


def _lookup_tables() -> TablesDocument:
    return TablesDocument(
        as_of=AS_OF,
        base=BASE_POINTS,
        facts=[
            FactRow(
                kind="commitment", outcome="kept", name="承诺已履行", name_en="commitment kept",
                what_to_do="无需处理", what_to_do_en="nothing to do",
            )
        ],
        rules=[
            RuleRow(
                rule_id="commitment_kept", rule_version="1", name="承诺已履行",
                name_en="commitment kept", legal_basis="test",
            )
        ],
        sources=[SourceRow(department_code="approval", name="行政审批局")],
    )  # fmt: skip

"""What lies in a snapshot's folder is true, complete and reproducible."""

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import hiredis
import msgspec
import polars as pl
import pytest

from scoring.build.citizens import layout_for
from scoring.contract.documents import FiguresDocument, RulesDocument, TablesDocument
from scoring.contract.lookup import SORTS, Lookup, require_whole, value_in
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import (
    DOCUMENTS,
    HISTORY_DOCUMENT,
    ExplanationItem,
    bucket_of,
    decode_explanation,
    decode_hot,
    documents_key,
    explanation_key,
    field_of,
    history_key,
    hot_key,
    tag_of,
)
from scoring.publish.verify import verify
from tests.build.random_city import AS_OF, City
from tests.support.lake import KEYS, Built, rebuild


def _commands(path: Path) -> list[list[bytes]]:
    reader = hiredis.Reader()
    reader.feed(path.read_bytes())
    commands = []
    while (command := reader.gets()) is not False:
        commands.append(command)
    return commands


def _stored(built: Built) -> dict[str, dict[bytes, bytes]]:
    """Hashes by key, as the store would hold them."""
    hashes: dict[str, dict[bytes, bytes]] = {}
    for path in sorted(built.folder.glob("records-*.resp")):
        for name, key, *pairs in _commands(path):
            assert name == b"HSET"
            assert key.decode() not in hashes
            hashes[key.decode()] = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return hashes


def _tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_publisher_finds_signature_hashes_and_counts_right(built: Built) -> None:
    verified = verify(built.folder, KEYS.signing_key.public_key())
    assert verified.manifest.citizens == 600


@pytest.mark.parametrize("buckets_per_job", [64, 8, 1])
def test_the_number_of_jobs_changes_no_byte(
    built: Built, city_data: Path, buckets_per_job: int
) -> None:
    out = f"again-{buckets_per_job}"
    again = rebuild(city_data, as_of=AS_OF, buckets_per_job=buckets_per_job, out=out)
    assert again.folder.name == built.folder.name
    assert _tree(again.folder) == _tree(built.folder)


def test_jobs_in_other_processes_change_no_byte(built: Built, city_data: Path) -> None:
    """What a cluster needs: jobs and results travel by pickle, data by files alone."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        again = rebuild(
            city_data, as_of=AS_OF, buckets_per_job=16, executor=processes, out="processes"
        )
    assert _tree(again.folder) == _tree(built.folder)


def test_every_enrolled_citizen_has_one_hot_record_in_her_bucket(built: Built, city: City) -> None:
    stored = _stored(built)
    scores = built.scores()
    count = built.manifest.bucket_count
    for subject in city.enrolled:
        named = snapshot_subject_of(KEYS.snapshot_key, subject)
        bucket = stored[hot_key(built.manifest.snapshot, bucket_of(named, count))]
        record = decode_hot(bucket[field_of(named).encode()], tag_of(named))
        assert record.score_points == scores[subject]
    assert set(scores) == set(city.enrolled)


def test_decoded_explanations_are_the_items_of_the_table(built: Built) -> None:
    stored = _stored(built)
    items = built.items()
    for subject in built.scores():
        named = snapshot_subject_of(KEYS.snapshot_key, subject)
        key = explanation_key(
            built.manifest.snapshot, bucket_of(named, built.manifest.bucket_count)
        )
        told = decode_explanation(stored[key][field_of(named).encode()], tag_of(named))
        rows = items.filter(pl.col("snapshot_subject") == named)
        assert told == [_item(row) for row in rows.iter_rows(named=True)]


def _item(row: dict[str, object]) -> ExplanationItem:
    days = pl.Series([row["happened_on"], row["expires_on"]], dtype=pl.Date()).to_physical()
    members = {name: row[name] for name in ExplanationItem.__struct_fields__ if name in row}
    return ExplanationItem(**members, happened_day=days[0], expires_day=days[1])  # type: ignore[arg-type]


def test_every_stored_value_can_be_read_from_the_file_through_its_lookup(built: Built) -> None:
    stored, manifest = _stored(built), built.manifest
    keys = dict(zip(SORTS, (hot_key, explanation_key, history_key), strict=True))
    for part in manifest.lookups:
        lookup = Lookup((built.folder / part.path).read_bytes())
        content = (built.folder / part.records).read_bytes()
        for bucket in range(lookup.first_bucket, lookup.first_bucket + lookup.buckets):
            for sort in SORTS:
                fields = stored.pop(keys[sort](manifest.snapshot, bucket), {})
                place = lookup.place(sort, bucket)
                assert (place is None) == (not fields)
                if place is None:
                    continue
                command = content[place.offset : place.offset + place.size]
                require_whole(command, place)
                assert {f: value_in(command, f.decode()) for f in fields} == fields
                assert value_in(command, "A" * 16) is None
    assert not stored


def test_the_manifest_counts_what_is_there(built: Built) -> None:
    manifest = built.manifest
    scores = list(built.scores().values())
    assert manifest.score_sum_points == sum(scores)
    assert sum(manifest.score_histogram.values()) == manifest.citizens == len(scores)
    assert manifest.items == built.items().height
    assert {part.path for part in manifest.files} | {"manifest.json", "manifest.sig"} == set(
        _tree(built.folder)
    )
    stored = _stored(built)
    assert sum(part.keys for part in manifest.parts if part.role == "records") == len(stored)


def test_documents_are_stored_byte_for_byte_as_they_lie_in_the_folder(built: Built) -> None:
    [[name, key, *pairs]] = _commands(built.folder / "documents.resp")
    assert (name, key.decode()) == (b"HSET", documents_key(built.manifest.snapshot))
    stored = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert set(stored) == {document.encode() for document in (*DOCUMENTS, HISTORY_DOCUMENT)}
    for document in (*DOCUMENTS, HISTORY_DOCUMENT):
        path = built.folder / "documents" / f"{document}.json"
        assert stored[document.encode()] == path.read_bytes()


def test_indices_of_items_point_to_rows_of_the_tables(built: Built) -> None:
    tables = msgspec.json.decode(
        (built.folder / "documents" / "tables.json").read_bytes(), type=TablesDocument
    )
    items = built.items()
    for column, rows in (
        ("fact_index", tables.facts),
        ("rule_index", tables.rules),
        ("source_index", tables.sources),
    ):
        assert items[column].max() < len(rows)  # type: ignore[operator]
    lowest = {name: items[name].min() for name in ("fact_index", "rule_index", "source_index")}
    assert lowest["rule_index"] == -1
    assert lowest["fact_index"] == lowest["source_index"] == 0


def test_base_and_points_add_up_to_every_score(built: Built) -> None:
    rules = msgspec.json.decode(
        (built.folder / "documents" / "rules.json").read_bytes(), type=RulesDocument
    )
    sums = built.items().group_by("subject").agg(pl.col("points").sum())
    points = dict(sums.iter_rows())
    for subject, score in built.scores().items():
        assert score == rules.base + points.get(subject, 0)
        assert rules.minimum <= score <= rules.maximum


def test_who_is_not_enrolled_leaves_no_trace(built: Built, city: City) -> None:
    people = pl.read_parquet(built.folder / "scores.parquet")
    records_of_others = {
        record.record_id for record in city.records if record.subject in set(city.others)
    } - {record.record_id for record in city.records if record.subject in set(city.enrolled)}
    assert records_of_others
    assert not records_of_others & set(built.items()["record_id"])
    raw = b"".join(path.read_bytes() for path in built.folder.rglob("*") if path.is_file())
    for subject in city.others:
        named = snapshot_subject_of(KEYS.snapshot_key, subject)
        assert subject not in set(people["subject"])
        assert named not in set(people["snapshot_subject"])
        assert subject.encode() not in raw
        assert named[:16].encode() not in raw
    for record in records_of_others:
        assert record.encode() not in raw


def test_no_subject_of_the_lake_goes_where_the_store_is_loaded_from(
    built: Built, city: City
) -> None:
    loaded = b"".join(path.read_bytes() for path in built.folder.glob("*.resp"))
    loaded += (built.folder / "manifest.json").read_bytes()
    assert not [subject for subject in city.enrolled if subject.encode() in loaded]


def test_figures_hide_small_groups(built: Built) -> None:
    figures = msgspec.json.decode(
        (built.folder / "documents" / "figures.json").read_bytes(), type=FiguresDocument
    )
    assert figures.enrolled == 600
    shown = [band.citizens for band in figures.bands if band.citizens is not None]
    assert all(count >= 10 for count in shown)


@pytest.mark.parametrize(
    ("citizens", "buckets", "parts"),
    [(0, 1, 1), (1, 1, 1), (30_000, 512, 1), (100_000, 2048, 4), (3_000_000, 65_536, 64)],
)
def test_the_layout_follows_from_the_number_of_citizens(
    citizens: int, buckets: int, parts: int
) -> None:
    layout = layout_for(citizens)
    assert (layout.bucket_count, layout.part_count) == (buckets, parts)

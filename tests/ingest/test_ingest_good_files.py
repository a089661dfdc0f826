"""What a good file becomes."""

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

from scoring.catalogue import Catalogue
from scoring.catalogue.kinds import Edition
from scoring.contract.pseudonyms import subject_of
from scoring.errors import InputRefused, StoreUnavailable, VerificationFailed
from scoring.ingest import IngestReport, ingest_file, ingest_tree
from scoring.ingest.lake_commit import locked_lake
from scoring.ingest.limits import Limits
from scoring.ingest.pseudonyms import with_subjects
from scoring.lake.manifest import MANIFEST_NAME, read_manifest
from scoring.lake.tables import BASE64URL, FACTS, ORGANISATIONS, OUTCOMES
from tests.ingest.city_files import (
    DEPARTMENTS,
    LAKE_KEY,
    PERSON_KINDS,
    ROWS,
    as_csv,
    deliver,
    good_file,
    good_rows,
    header,
    person,
)
from tests.ingest.conftest import lake_digest, lake_facts

Ingest = Callable[[Path], IngestReport]


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_every_row_of_a_good_file_becomes_a_fact(
    kind: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    report = ingest(deliver(tmp_path / "in", kind, good_file(kind)))
    facts = lake_facts(lake)
    assert (report.status, report.accepted, report.rejected) == ("accepted", ROWS, 0)
    assert dict(facts.schema) == FACTS
    assert facts.height == facts.get_column("record_id").n_unique() == ROWS
    assert set(facts.get_column("outcome")) == set(OUTCOMES[kind]) - {"nothing_due"}
    assert facts.get_column("line").to_list() == list(range(2, ROWS + 2))
    assert facts.null_count().drop("ended_on").sum_horizontal().item() == 0


def test_a_fact_stands_under_the_pseudonym_of_its_person(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    ingest(deliver(tmp_path / "in", "honour", good_file("honour")))
    first = lake_facts(lake).row(0, named=True)
    assert first["subject"] == subject_of(LAKE_KEY, person(0))
    assert (first["outcome"], first["measure"]) == ("awarded", 1)
    assert first["happened_on"] == dt.date(2026, 1, 1)
    assert (first["department"], first["sequence"]) == ("civil_affairs", 1)


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_column_pseudonyms_are_those_of_the_contract(digest: str) -> None:
    numbers = [person(number) for number in range(50)]
    named = with_subjects(pl.DataFrame({"id_number": numbers}), LAKE_KEY, digest)  # type: ignore[arg-type]
    expected = [subject_of(LAKE_KEY, number, digest) for number in numbers]  # type: ignore[arg-type]
    assert named.get_column("subject").to_list() == expected


def test_facts_lie_in_the_bucket_of_their_subject(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    ingest(deliver(tmp_path / "in", "honour", good_file("honour")))
    for part in read_manifest(lake).files[0].parts:
        subjects = pl.read_parquet(lake / part.path, hive_partitioning=False)["subject"]
        buckets = {BASE64URL.index(subject[0]) for subject in subjects}
        assert f"bucket={buckets.pop():02d}/" in part.path
        assert not buckets
        assert subjects.is_sorted()


def test_late_days_obligations_met_and_classes_of_penalties_are_kept(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    ingest(deliver(tmp_path / "a", "contract_performance", good_file("contract_performance")))
    ingest(deliver(tmp_path / "b", "court_obligation", good_file("court_obligation")))
    ingest(deliver(tmp_path / "c", "penalty", good_file("penalty")))
    facts = lake_facts(lake)
    late = facts.filter(pl.col("outcome") == "late")
    assert set(late["measure"]) == {10}
    assert facts.filter(pl.col("outcome") == "fulfilled")["ended_on"].null_count() == 0
    assert facts.filter(pl.col("outcome") == "unfulfilled")["ended_on"].count() == 0
    penalties = facts.filter(pl.col("sequence") == 3).sort("line")["outcome"].head(3).to_list()
    assert penalties == ["minor", "general", "serious"]


def test_a_fine_above_the_amount_of_its_day_is_serious(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    rows = good_rows("penalty")
    rows[1]["CF_NR_FK"] = "10.000001"
    rows[4]["CF_NR_FK"] = "10"
    ingest(deliver(tmp_path / "in", "penalty", as_csv("penalty", rows)))
    outcomes = lake_facts(lake)["outcome"]
    assert (outcomes[1], outcomes[4]) == ("serious", "general")


def test_organisations_go_to_their_own_table(tmp_path: Path, lake: Path, ingest: Ingest) -> None:
    kind = "organisation_register"
    report = ingest(deliver(tmp_path / "in", kind, good_file(kind)))
    rows = lake_facts(lake)
    assert dict(rows.schema) == ORGANISATIONS
    assert report.accepted == rows.height == ROWS
    assert rows.row(0, named=True)["name"] == "测试公司0"


def _bom(content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def _no_last_newline(content: bytes) -> bytes:
    return content.removesuffix(b"\n")


def _iso_days(content: bytes) -> bytes:
    return content.replace(b"/", b"-")


def _all_quoted(content: bytes) -> bytes:
    rows = csv.reader(content.decode().splitlines())
    lines = (",".join(f'"{cell}"' for cell in row) for row in rows)
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_how_lines_and_cells_are_written_changes_no_fact(
    kind: str, tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    ingest(deliver(tmp_path / "plain", kind, good_file(kind)))
    for change in (_bom, _crlf, _no_last_newline, _all_quoted):
        other = tmp_path / change.__name__
        changed = deliver(tmp_path / "in", kind, change(good_file(kind)))
        ingest_file(changed, lake=other, catalogue=catalogue, lake_key=LAKE_KEY)
        assert lake_facts(other).equals(lake_facts(lake)), change.__name__


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_declared_gb18030_gives_the_facts_of_utf8(
    kind: str, tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    ingest(deliver(tmp_path / "utf-8", kind, good_file(kind)))
    other = tmp_path / "other lake"
    content = good_file(kind).decode().encode("gb18030")
    file = deliver(tmp_path / "gb", kind, content, encoding="gb18030")
    ingest_file(file, lake=other, catalogue=catalogue, lake_key=LAKE_KEY)
    assert lake_facts(other).equals(lake_facts(lake))


def test_iso_days_are_read_like_those_with_slashes(
    tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    ingest(deliver(tmp_path / "slashes", "honour", good_file("honour")))
    other = tmp_path / "other lake"
    file = deliver(tmp_path / "iso", "honour", _iso_days(good_file("honour")))
    ingest_file(file, lake=other, catalogue=catalogue, lake_key=LAKE_KEY)
    assert lake_facts(other).equals(lake_facts(lake))


def test_small_batches_give_the_same_bytes_as_one(
    tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    file = deliver(tmp_path / "in", "penalty", good_file("penalty"))
    ingest(file)
    small = Limits(
        max_rejected_permille=300,
        tolerated_rejected_rows=10,
        batch_bytes=700,
        max_line_bytes=10_000,
    )
    other = tmp_path / "other lake"
    ingest_file(file, lake=other, catalogue=catalogue, lake_key=LAKE_KEY, limits=small)
    assert lake_digest(other) == lake_digest(lake)


def test_another_edition_is_a_mapping_in_the_catalogue(
    tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    """Provincial alias of a column, a column we do not take, an optional column they lack."""
    ingest(deliver(tmp_path / "ours", "honour", good_file("honour")))
    aliases = {"RY_BH": "RYBH", "BZ": "GXSJ"}
    columns = {aliases.get(code, code): code for code in header("honour")} | {"GXSJ": ""}
    kinds = [
        msgspec.structs.replace(kind, editions=[Edition(name="province", columns=columns)])
        for kind in catalogue.kinds
    ]
    theirs = msgspec.structs.replace(catalogue, kinds=kinds)
    content = good_file("honour").replace(b"RY_BH", b"RYBH").replace(b",BZ", b",GXSJ")
    other = tmp_path / "other lake"
    file = deliver(tmp_path / "theirs", "honour", content)
    ingest_file(file, lake=other, catalogue=theirs, lake_key=LAKE_KEY)
    assert lake_facts(other).equals(lake_facts(lake))


def test_loading_a_file_twice_changes_no_byte(tmp_path: Path, lake: Path, ingest: Ingest) -> None:
    file = deliver(tmp_path / "in", "commitment", good_file("commitment"))
    ingest(file)
    before = lake_digest(lake)
    report = ingest(file)
    assert report.status == "already_loaded"
    assert lake_digest(lake) == before


def test_the_same_files_give_the_same_lake_byte_for_byte(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    for kind in DEPARTMENTS:
        deliver(tmp_path / "in" / kind, kind, good_file(kind))
    lakes = [tmp_path / "one", tmp_path / "two"]
    for lake in lakes:
        ingest_tree(tmp_path / "in", lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
    assert lake_digest(lakes[0]) == lake_digest(lakes[1])


def test_a_record_sent_again_keeps_its_id_under_a_higher_sequence(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    ingest(deliver(tmp_path / "a", "contract_performance", good_file("contract_performance")))
    rows = good_rows("contract_performance")
    rows[0] |= {"LY_ZT": "逾期履约", "YQ_TS": "3", "SJ_RQ": "2026/03/18"}
    ingest(deliver(tmp_path / "b", "contract_performance", as_csv("contract_performance", rows)))
    twice = lake_facts(lake).filter(pl.col("line") == 2)
    assert twice["record_id"].n_unique() == 1
    assert twice["sequence"].to_list() == [1, 2]
    assert twice["outcome"].to_list() == ["on_time", "late"]


def test_a_tree_takes_what_is_good_and_names_what_is_not(
    tmp_path: Path, lake: Path, catalogue: Catalogue
) -> None:
    incoming = tmp_path / "in"
    deliver(incoming / "honour", "honour", good_file("honour"))
    cut = deliver(incoming / "penalty", "penalty", good_file("penalty"))
    cut.write_bytes(cut.read_bytes()[:-9])
    (incoming / "stray.xlsx").write_bytes(b"PK\x03\x04")
    gone = deliver(incoming / "court", "court_obligation", good_file("court_obligation"))
    gone.unlink()
    report = ingest_tree(incoming, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
    assert [file.kind for file in report.files] == ["honour"]
    assert {refusal.code for refusal in report.refused} == {
        "digest_differs",
        "note_missing",
        "file_missing",
    }


def test_two_ingests_at_once_do_not_mix(tmp_path: Path, lake: Path, ingest: Ingest) -> None:
    file = deliver(tmp_path / "in", "honour", good_file("honour"))
    with locked_lake(lake), pytest.raises(StoreUnavailable, match="lake_busy"):
        ingest(file)
    assert ingest(file).status == "accepted"


def test_a_lake_is_not_continued_with_another_key(
    tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    ingest(deliver(tmp_path / "a", "honour", good_file("honour")))
    file = deliver(tmp_path / "b", "penalty", good_file("penalty"))
    before = lake_digest(lake)
    with pytest.raises(VerificationFailed, match="lake_key_differs"):
        ingest_file(file, lake=lake, catalogue=catalogue, lake_key=bytes(32))
    assert lake_digest(lake) == before


def test_the_same_bytes_from_another_department_are_refused(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    ingest(deliver(tmp_path / "a", "honour", good_file("honour")))
    file = deliver(tmp_path / "b", "honour", good_file("honour"), department_code="finance")
    with pytest.raises(InputRefused, match="sent_by_another"):
        ingest(file)


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_no_id_number_and_no_name_gets_past_the_door(
    kind: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    rows = good_rows(kind)
    first = rows[0]
    for code in first:
        if first[code] == person(0):
            first[code] = person(0)[:-1] + "7"
    ingest(deliver(tmp_path / "in", kind, as_csv(kind, rows)))
    lake_bytes = b"".join(
        path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file() and path.suffix != ".parquet"
    )
    tables = lake_facts(lake).write_csv().encode()
    for number in range(ROWS):
        assert person(number)[:17].encode() not in lake_bytes + tables
    assert "测试人".encode() not in lake_bytes + tables
    assert (lake / MANIFEST_NAME).exists()

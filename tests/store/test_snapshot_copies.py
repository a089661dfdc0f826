"""Single citizens out of a built snapshot's own files, whatever the number of its parts."""

import asyncio
import random
from pathlib import Path

import msgspec
import pytest

from api.store.copies import CopyRefused, open_copy
from api.store.reader import ValkeyReader
from scoring.contract.lookup import SORTS, Lookup, LookupBroken, lookup_bytes, value_in
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import Manifest, decode_explanation, decode_hot, tag_of
from scoring.store.connection import pack
from scoring.store.embedded import EmbeddedStore
from tests.build.random_city import AS_OF, City, random_city
from tests.support.lake import KEYS, rebuild, write_export, write_lake
from tests.support.patience import PATIENT_READER
from tests.support.snapshots import PUBLIC_KEY, city, subject, write_manifest, write_snapshot
from tests.support.stores import publish_to
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def people() -> City:
    return random_city(people=300, enrolled=200, records=2_000, corrected=50, seed=3)


@pytest.fixture(scope="module")
def data(people: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lake and export of `people`."""
    folder = tmp_path_factory.mktemp("copies")
    write_lake(folder / "lake", people.records)
    write_export(folder / "exports" / "1", people.enrolled)
    return folder


@pytest.mark.parametrize("buckets_per_part", [1, 2, 512])
def test_everybody_is_found_with_what_stands_beside_her(
    people: City, data: Path, monkeypatch: pytest.MonkeyPatch, buckets_per_part: int
) -> None:
    monkeypatch.setattr("scoring.build.citizens.BUCKETS_PER_PART", buckets_per_part)
    built = rebuild(data, as_of=AS_OF, out=f"by-{buckets_per_part}")
    assert len(built.manifest.lookups) == max(1, 4 // buckets_per_part)
    copy = open_copy(built.folder, KEYS.signing_key.public_key(), built.manifest)
    scores = built.scores()
    for who in people.enrolled:
        named = snapshot_subject_of(KEYS.snapshot_key, who)
        hot, told = copy.value("hot", named), copy.value("explanation", named)
        assert hot is not None
        assert told is not None
        assert decode_hot(hot, tag_of(named)).score_points == scores[who]
        assert copy.version().manifest == built.manifest
        base = 600 + sum(item.points for item in decode_explanation(told, tag_of(named)))
        assert base == scores[who]
        assert copy.value("history", named) is not None
    assert copy.value("hot", snapshot_subject_of(KEYS.snapshot_key, "nobody")) is None
    copy.close()


def test_a_field_is_found_by_its_frame_and_not_by_its_characters() -> None:
    fields = ["A" * 16, "B" * 16, "C" * 16]
    values = [b"BBBBBBBBBBBBBB,B", b"$16" + b"C" * 16 + b",$16", b"x8Kq_z"]
    words = [word for pair in zip(fields, values, strict=True) for word in pair]
    command = pack("HSET", "h:s:{0}", *words)
    assert [value_in(command, field) for field in fields] == values
    assert value_in(command, "D" * 16) is None


def test_a_lookup_file_of_any_other_bytes_is_refused_and_never_leads_astray() -> None:
    part = bytes(range(200))
    places = [(sort, 8 + n, 10 * n, 10 * n + 7) for sort in SORTS for n in range(3)]
    content = lookup_bytes(part, 8, 4, places)
    lookup = Lookup(content)
    assert lookup.place("hot", 10)[:2] == (20, 7)  # type: ignore[index]
    assert lookup.place("history", 11) is None
    for bucket in (7, 12):
        with pytest.raises(LookupBroken):
            lookup.place("hot", bucket)
    for broken in (b"", content[:-1], content + b"\0", b"X" + content[1:]):
        with pytest.raises(LookupBroken):
            Lookup(broken)


def test_bytes_changed_anywhere_in_the_records_give_no_other_value(tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path, "s1", city(100, 1))
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    records, draw = folder / "records-00.resp", random.Random(5)
    whole = records.read_bytes()
    copy = open_copy(folder, PUBLIC_KEY, manifest)
    right = {n: copy.value("hot", subject(n)) for n in range(100)}
    codes: list[str] = []
    for _ in range(60):
        content = bytearray(whole)
        content[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        with records.open("r+b") as file:
            file.write(content)
        for number in range(0, 100, 9):
            try:
                found = copy.value("hot", subject(number))
            except CopyRefused as error:
                codes.append(error.code)
            else:
                assert found == right[number]
    assert len(codes) > 10
    assert set(codes) == {"copy_damaged"}
    copy.close()


@pytest.mark.parametrize("change", ["another", "without", "newer", "unknown part"])
def test_a_copy_is_refused_by_its_code(tmp_path: Path, change: str) -> None:
    folder = write_snapshot(tmp_path, "s1", city(50, 1))
    served = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    changed = {
        "another": msgspec.structs.replace(served, ledger_position=1),
        "without": msgspec.structs.replace(served, lookups=[]),
        "newer": msgspec.structs.replace(served, min_reader=99),
        "unknown part": msgspec.structs.replace(
            served, lookups=[msgspec.structs.replace(served.lookups[0], records="nowhere")]
        ),
    }[change]
    write_manifest(folder, changed)
    with pytest.raises(CopyRefused) as refusal:
        open_copy(folder, PUBLIC_KEY, served if change == "another" else changed)
    assert (
        refusal.value.code
        == {
            "another": "copy_differs",
            "without": "copy_without_lookup",
            "newer": "copy_unknown_layout",
            "unknown part": "copy_damaged",
        }[change]
    )


@pytest.mark.parametrize("name", ["records-00.lookup", "documents.resp"])
def test_one_flipped_bit_in_what_leads_to_a_record_or_explains_it_is_found(
    tmp_path: Path, name: str
) -> None:
    folder = write_snapshot(tmp_path, "s1", city(50, 1))
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(CopyRefused, match=f"copy_damaged. {name}"):
        open_copy(folder, PUBLIC_KEY, None).version()


def test_what_was_assumed_holds_until_the_store_says_what_it_serves(
    server: EmbeddedStore, snapshots: Path
) -> None:
    folder = write_snapshot(snapshots, "s1", city(50, 1))
    copy = open_copy(folder, PUBLIC_KEY, None)
    assumed = copy.version()
    copy.close()

    async def story() -> None:
        reader = ValkeyReader(server.url, limits=PATIENT_READER)
        reader.assume(assumed)
        assert reader.version() is assumed
        assert not reader.is_serving
        publish_to(server, folder)
        await reader.open()
        try:
            await eventually(lambda: reader.is_serving)
            said = reader.version()
            assert said is not assumed
            assert said == assumed
            reader.assume(assumed)
            assert reader.version() is said
        finally:
            await reader.close()

    asyncio.run(story())

"""Cut, edited, missing, foreign: every part is named, nothing reaches the store."""

import hashlib
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scoring.contract.snapshot import Manifest, hot_key
from scoring.errors import VerificationFailed
from scoring.publish.verify import verify
from scoring.store.connection import pack
from tests.support.snapshots import PUBLIC_KEY, city, write_manifest, write_snapshot

PARTS = [
    "scores.parquet",
    "items.parquet",
    "records-00.resp",
    "records-00.lookup",
    "documents.resp",
]


@pytest.fixture
def folder(snapshots: Path) -> Path:
    return write_snapshot(snapshots, "s1", city(300, 1))


def resigned(
    folder: Path, name: str, body: bytes, keys: int | None = None, rows: int | None = None
) -> None:
    """The part replaced and the manifest signed again: what a broken build would hand over."""
    (folder / name).write_bytes(body)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    parts = [
        msgspec.structs.replace(
            part,
            size_bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            keys=part.keys if keys is None else keys,
            rows=part.rows if rows is None else rows,
        )
        if part.path == name
        else part
        for part in manifest.parts
    ]
    write_manifest(folder, msgspec.structs.replace(manifest, parts=parts))


def test_a_whole_snapshot_verifies_with_its_counts(folder: Path) -> None:
    snapshot = verify(folder, PUBLIC_KEY)
    assert snapshot.manifest.citizens == 300
    assert set(snapshot.documents) == {"rules", "benefits", "catalogue", "tables", "figures"}


@pytest.mark.parametrize("name", PARTS)
def test_a_cut_part_is_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(VerificationFailed, match="snapshot_part_damaged") as refusal:
        verify(folder, PUBLIC_KEY)
    assert refusal.value.where == name


@pytest.mark.parametrize("name", PARTS)
def test_one_flipped_bit_is_named(folder: Path, name: str) -> None:
    path = folder / name
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(VerificationFailed, match="SHA-256") as refusal:
        verify(folder, PUBLIC_KEY)
    assert refusal.value.where == name


@pytest.mark.parametrize("name", [*PARTS, "manifest.json", "manifest.sig"])
def test_a_missing_part_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(VerificationFailed, match="snapshot_part_missing") as refusal:
        verify(folder, PUBLIC_KEY)
    assert refusal.value.where.endswith(name)


def test_a_lookup_that_leads_elsewhere_is_named_although_it_is_signed(folder: Path) -> None:
    content = bytearray((folder / "records-00.lookup").read_bytes())
    content[16] ^= 1  # the first bucket's first byte
    (folder / "records-00.lookup").write_bytes(content)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    digest = hashlib.sha256(content).hexdigest()
    lookup = msgspec.structs.replace(manifest.lookups[0], sha256=digest)
    write_manifest(folder, msgspec.structs.replace(manifest, lookups=[lookup]))
    with pytest.raises(VerificationFailed, match="lead") as refusal:
        verify(folder, PUBLIC_KEY)
    assert refusal.value.where == "records-00.lookup"


def test_a_part_without_its_lookup_is_refused_where_there_are_any(folder: Path) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    elsewhere = msgspec.structs.replace(manifest.lookups[0], records="documents.resp")
    write_manifest(folder, msgspec.structs.replace(manifest, lookups=[elsewhere]))
    with pytest.raises(VerificationFailed, match="lookups of some parts only"):
        verify(folder, PUBLIC_KEY)


def test_a_snapshot_from_before_there_were_lookups_is_whole(folder: Path) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    write_manifest(folder, msgspec.structs.replace(manifest, lookups=[]))
    assert verify(folder, PUBLIC_KEY).manifest.lookups == []


def test_an_edited_manifest_is_refused_by_its_signature(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"citizens":300', b'"citizens":301'))
    with pytest.raises(VerificationFailed, match="signature_wrong"):
        verify(folder, PUBLIC_KEY)


def test_a_signature_by_another_key_is_refused(folder: Path) -> None:
    with pytest.raises(VerificationFailed, match="signature_wrong"):
        verify(folder, Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize(
    ("foreign", "what"),
    [
        (pack("FLUSHALL"), "not HSET"),
        (pack("HSET", "current", "a" * 16, "x"), "not a bucket of this snapshot"),
        (pack("HSET", hot_key("s0", 0), "a" * 16, "x"), "not a bucket of this snapshot"),
        (pack("HSET", hot_key("s1", 9999), "a" * 16, "x"), "not a bucket of this snapshot"),
        (pack("HSET", hot_key("s1", 0), "short", "x"), "16 characters"),
        (pack("HSET", hot_key("s1", 0), "a" * 16), "not HSET"),
        (b"*3\r\n$4\r\nHS", "middle of a command"),
        (b"HSET a b c\r\n", "not RESP"),
        (b"*4\r\n+HSET\r\n$8\r\nh:s1:{0}\r\n$16\r\n" + b"a" * 16 + b"\r\n$1\r\nx\r\n",
         "one way"),
    ],
)  # fmt: skip
def test_a_signed_part_with_any_other_command_is_refused(
    folder: Path, foreign: bytes, what: str
) -> None:
    resigned(folder, "records-00.resp", foreign, keys=1)
    with pytest.raises(VerificationFailed, match=what) as refusal:
        verify(folder, PUBLIC_KEY)
    assert refusal.value.where == "records-00.resp"


def test_a_bucket_written_twice_is_refused(folder: Path) -> None:
    body = (folder / "records-00.resp").read_bytes()
    resigned(folder, "records-00.resp", body + body)
    with pytest.raises(VerificationFailed, match="twice"):
        verify(folder, PUBLIC_KEY)


def test_fewer_citizens_than_the_manifest_counts_are_refused(folder: Path) -> None:
    body = pack("HSET", hot_key("s1", 0), "a" * 16, "x")
    resigned(folder, "records-00.resp", body, keys=1, rows=1)
    with pytest.raises(VerificationFailed, match="1 citizens instead of 300"):
        verify(folder, PUBLIC_KEY)


def test_a_score_without_explanation_is_refused(folder: Path) -> None:
    commands = (folder / "records-00.resp").read_bytes().split(b"*")
    kept = b"".join(b"*" + command for command in commands[1:] if b"\r\nx:s1:" not in command)
    resigned(folder, "records-00.resp", kept, keys=kept.count(b"HSET"), rows=300)
    with pytest.raises(VerificationFailed, match="0 explanations instead of 300"):
        verify(folder, PUBLIC_KEY)


def test_fewer_records_than_the_part_counts_are_refused(folder: Path) -> None:
    body = pack("HSET", hot_key("s1", 0), "a" * 16, "x")
    resigned(folder, "records-00.resp", body, keys=1)
    with pytest.raises(VerificationFailed, match="1 records, not 600"):
        verify(folder, PUBLIC_KEY)


def test_a_table_with_fewer_rows_than_its_part_counts_is_refused(folder: Path) -> None:
    table = (folder / "scores.parquet").read_bytes()
    resigned(folder, "scores.parquet", table, rows=301)
    with pytest.raises(VerificationFailed, match="300 rows instead of 301"):
        verify(folder, PUBLIC_KEY)


def test_a_part_outside_the_folder_is_refused(folder: Path) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    part = msgspec.structs.replace(manifest.parts[0], path="../elsewhere")
    write_manifest(folder, msgspec.structs.replace(manifest, parts=[part]))
    with pytest.raises(VerificationFailed, match="outside"):
        verify(folder, PUBLIC_KEY)

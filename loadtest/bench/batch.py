"""Lake to snapshot, snapshot to store: rows and citizens a second, bytes per citizen."""

import time
from pathlib import Path

import msgspec

from api.commands.demo.lasting import lasting_register
from api.commands.keys import make_missing_keys
from loadtest.bench.report import Figure
from loadtest.synthetic_lake import AS_OF, write_synthetic_lake
from scoring.build import BuildKeys, build
from scoring.catalogue.loading import load_catalogue
from scoring.catalogue.publishing import published_document
from scoring.contract.snapshot import Manifest
from scoring.keys import key_files, read_symmetric_key
from scoring.publish.publish import publish
from scoring.rulebook import load_rulebook
from scoring.signing import read_signing_key, read_verifying_key
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore

SEED = 7
COMMANDS_PER_PIPELINE = 5_000


class Size(msgspec.Struct, frozen=True, kw_only=True):
    records: int
    people: int
    enrolled: int


class Built(msgspec.Struct, frozen=True, kw_only=True):
    data: Path
    snapshot: Path
    manifest: Manifest


def make_snapshot(data: Path, size: Size) -> tuple[Built, Figure]:
    keys = key_files(data)
    make_missing_keys(keys)
    write_synthetic_lake(
        data / "lake",
        data / "export",
        records=size.records,
        people=size.people,
        enrolled=size.enrolled,
        seed=SEED,
    )
    started = time.perf_counter()
    snapshot = build(
        lake=data / "lake",
        export=data / "export",
        out=data / "snapshots",
        rulebook=load_rulebook(),
        benefits=lasting_register(),
        catalogue=published_document(load_catalogue()),
        as_of=AS_OF,
        keys=BuildKeys(read_symmetric_key(keys.snapshot), read_signing_key(keys.signing)),
    )
    seconds = time.perf_counter() - started
    manifest = msgspec.json.decode((snapshot / "manifest.json").read_bytes(), type=Manifest)
    figure = Figure(
        name="build, explanation included",
        value=f"{size.records / seconds:,.0f} records/s ({seconds:.1f} s for {size.records:,})",
        target="416,667 records/s (50 M in 120 s)",
    )
    return Built(data=data, snapshot=snapshot, manifest=manifest), figure


def measure_publish(built: Built, store: EmbeddedStore) -> list[Figure]:
    """Publishes into the empty `store` and leaves the snapshot served there."""
    public_key = read_verifying_key(key_files(built.data).signing_public)
    with StoreConnection.open(store.url) as connection:
        before = used_memory(connection)
        started = time.perf_counter()
        publish(built.snapshot, connection, public_key)
        seconds = time.perf_counter() - started
        used = used_memory(connection) - before
        peer = pipeline_per_second(built, store)
    citizens = built.manifest.citizens
    records = sum(part.rows for part in built.manifest.parts if part.role == "records")
    hot, explanation, history = stored_bytes(built, store)
    return [
        Figure(
            name="publish: verify, load, read back, flip",
            value=f"{records / seconds:,.0f} records/s ({records:,} of {citizens:,} citizens,"
            f" {seconds:.2f} s)",
            target="500,000 records/s",
            peer=f"redis-py pipeline, load alone: {peer:,.0f} records/s",
        ),
        Figure(
            name="Valkey memory per citizen",
            value=f"hot {hot:.0f} B, with explanation of {built.manifest.items / citizens:.1f} records"
            f" {hot + explanation:.0f} B, history of one row {history:.0f} B beside it;"
            f" all in {used / citizens:.0f} B",
            target="≤ 100 B hot, ≤ 500 B with explanation",
            peer="one JSON string per citizen: about 700 B",
        ),
    ]


def used_memory(connection: StoreConnection) -> int:
    info = connection.call("INFO", "memory").decode()
    line = next(line for line in info.splitlines() if line.startswith("used_memory:"))
    return int(line.split(":")[1])


def stored_bytes(built: Built, store: EmbeddedStore) -> tuple[float, float, float]:
    """MEMORY USAGE of hot, explanation and history buckets, key and table included, per citizen."""
    from scoring.contract.snapshot import explanation_key, history_key, hot_key

    manifest = built.manifest
    buckets = range(0, manifest.bucket_count, max(1, manifest.bucket_count // 512))
    totals = []
    with StoreConnection.open(store.url) as connection:
        for key in (hot_key, explanation_key, history_key):
            names = [key(manifest.snapshot, bucket) for bucket in buckets]
            used = connection.calls([("MEMORY", "USAGE", name) for name in names])
            fields = connection.calls([("HLEN", name) for name in names])
            totals.append(sum(used) / sum(fields))
    return totals[0], totals[1], totals[2]


def pipeline_per_second(built: Built, store: EmbeddedStore) -> float:
    """The hot records again, under another version, the usual way: one HSET each, in pipelines."""
    import redis

    client = redis.Redis(unix_socket_path=str(store.socket_path), socket_timeout=5)
    manifest = built.manifest
    count = min(manifest.citizens, 50_000)
    started = time.perf_counter()
    for first in range(0, count, COMMANDS_PER_PIPELINE):
        pipeline = client.pipeline(transaction=False)
        for number in range(first, min(first + COMMANDS_PER_PIPELINE, count)):
            pipeline.hset(f"peer:{number % 997}", f"{number:016d}", "Ab3dE_642,3")
        pipeline.execute()
    seconds = time.perf_counter() - started
    for number in range(997):
        client.unlink(f"peer:{number}")
    client.close()
    return count / seconds

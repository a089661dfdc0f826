"""One measured piece of work in a process of its own: `python -m loadtest.bench_score.runs JSON`.

Its own process, so that memory is that of this work alone; the answer is one line of JSON.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec

LAKE, EXPORT = "lake", "export"


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """`data`: folder with or for the lake. `out`: where a build puts its snapshot. `jobs`: groups
    the 64 lake buckets are gathered in; None: as many as the build chooses by itself. `days_later`:
    than the lake's day; `previous`: folder of the snapshot whose histories the build continues."""

    what: Literal["make", "build", "duckdb"]
    data: str
    records: int = 0
    people: int = 0
    enrolled: int = 0
    out: str = ""
    jobs: int | None = None
    days_later: int = 0
    previous: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`hash`: SHA-256 of the manifest, which holds those of all parts. `checksum`: Σ scores.
    `history_rows`: of all citizens, those of former snapshots too."""

    seconds: float
    peak_bytes: int
    citizens: int = 0
    items: int = 0
    hash: str = ""
    checksum: int = 0
    history_rows: int = 0
    folder: str = ""


def run(work: Work) -> Run:
    """Raises CalledProcessError; what the process said stands on stderr."""
    command = [
        sys.executable,
        "-m",
        "loadtest.bench_score.runs",
        msgspec.json.encode(work).decode(),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Run)


def peak_bytes() -> int:
    """Most memory this process ever held (VmHWM counts from its own start, unlike ru_maxrss)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _make(work: Work) -> Run:
    from loadtest.synthetic_lake import write_synthetic_lake

    started = time.perf_counter()
    write_synthetic_lake(
        Path(work.data, LAKE),
        Path(work.data, EXPORT),
        records=work.records,
        people=work.people,
        enrolled=work.enrolled,
        seed=7,
    )
    return Run(seconds=time.perf_counter() - started, peak_bytes=peak_bytes())


def _build(work: Work) -> Run:
    import datetime as dt
    import hashlib

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from loadtest.synthetic_lake import AS_OF
    from scoring.benefits import load_benefits
    from scoring.build import BuildKeys, build
    from scoring.catalogue import load_catalogue, published_document
    from scoring.contract.snapshot import Manifest
    from scoring.lake.tables import BUCKETS
    from scoring.rulebook import load_rulebook

    started = time.perf_counter()
    folder = build(
        lake=Path(work.data, LAKE),
        export=Path(work.data, EXPORT),
        out=Path(work.out),
        rulebook=load_rulebook(),
        benefits=load_benefits(),
        catalogue=published_document(load_catalogue()),
        as_of=AS_OF + dt.timedelta(days=work.days_later),
        previous=Path(work.previous) if work.previous else None,
        # Fixed, so that two runs can be compared; it signs and names nobody.
        keys=BuildKeys(b"\x07" * 32, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)),
        buckets_per_job=None if work.jobs is None else BUCKETS // work.jobs,
    )
    seconds = time.perf_counter() - started
    content = (folder / "manifest.json").read_bytes()
    manifest = msgspec.json.decode(content, type=Manifest)
    return Run(
        seconds=seconds,
        peak_bytes=peak_bytes(),
        citizens=manifest.citizens,
        items=manifest.items,
        hash=hashlib.sha256(content).hexdigest(),
        checksum=manifest.score_sum_points,
        history_rows=sum(part.rows for part in manifest.parts if part.role == "history"),
        folder=str(folder),
    )


def _duckdb(work: Work) -> Run:
    from loadtest.bench_score.duckdb_peer import sum_of_scores

    started = time.perf_counter()
    citizens, checksum = sum_of_scores(
        Path(work.data, LAKE), Path(work.data, EXPORT), Path(work.out)
    )
    seconds = time.perf_counter() - started
    return Run(seconds=seconds, peak_bytes=peak_bytes(), citizens=citizens, checksum=checksum)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.argv[1], type=Work)
    found = {"make": _make, "build": _build, "duckdb": _duckdb}[asked.what](asked)
    print(msgspec.json.encode(found).decode())

"""The whole city: every kind of every chunk of people, then the files into place."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import msgspec
import polars as pl

from scoring.city import commitments, contracts, courts, honours, organisations, penalties
from scoring.city.ahead import in_order
from scoring.city.deliveries import CityFile, Outbox
from scoring.city.people import DAYS_POSSIBLE, people_frame, refuse_too_many
from scoring.city.personas import Persona, bearer, persona_records, personas
from scoring.city.senders import headers
from scoring.city.shares import City, Shares, standard_shares, standard_wording
from scoring.city.trouble import (
    Trouble,
    expected_rejects,
    late_records,
    spoil,
    standard_trouble,
    trouble_records,
)
from scoring.errors import InputRefused

# The day of a city nobody gave a day: fixed, so that the same command gives the same bytes always.
STANDARD_DAY = dt.date(2026, 11, 1)
PEOPLE_PER_CHUNK = 50_000
_WORKERS = 2  # polars works on a chunk of this size with one thread
Batch = list[tuple[str, pl.DataFrame]]
PERSON_KINDS: tuple[ModuleType, ...] = (commitments, contracts, courts, penalties, honours)


class CitySummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. `expected_rejects`: kind -> rule -> rows a right ingest refuses.

    `late_files`: paths sent long after the decisions in them. `digest`: SHA-256 over path and
    SHA-256 of every file; same people, seed and day, same digest.
    """

    people: int
    seed: int
    as_of: dt.date
    rows: dict[str, int]
    expected_rejects: dict[str, dict[str, int]]
    late_files: list[str]
    personas: dict[str, Persona]
    files: list[CityFile]
    digest: str


def generate(
    *,
    people: int,
    seed: int,
    out: Path,
    as_of: dt.date,
    shares: Shares | None = None,
    trouble: Trouble | None = None,
    people_per_chunk: int = PEOPLE_PER_CHUNK,
    on_progress: Callable[[int, int], None] = lambda people_done, records: None,
) -> CitySummary:
    """Write `out/<kind>/<department code>-<nnn>.csv` with notes; `out` may not hold a city yet.

    Memory is that of a few chunks, about 0.5 GiB whatever the number of people. `on_progress` is
    told the people and the records done so far. Raises InputRefused: city_exists, city_too_small,
    people_out_of_range, day_out_of_range.
    """
    refuse_too_many(people)
    _refuse_impossible_day(as_of)
    city = City(
        seed=seed,
        as_of=as_of,
        shares=shares or standard_shares(),
        wording=standard_wording(),
    )
    trouble = trouble or standard_trouble()
    found = personas(people=people, seed=seed, as_of=as_of)
    outbox = Outbox(out, headers())
    try:
        records = 0
        tasks = _tasks(city, trouble, people, found, people_per_chunk)
        for people_done, batch in in_order(tasks, workers=_WORKERS):
            for kind, rows in batch:
                outbox.add(kind, rows)
                records += rows.height
            on_progress(people_done, records)
        files = outbox.seal(lambda kind, delivery: _sent_on(city, kind, delivery))
    except BaseException:
        outbox.discard()
        raise
    return CitySummary(
        people=people,
        seed=seed,
        as_of=as_of,
        rows=_rows_by_kind(files),
        expected_rejects=expected_rejects(trouble),
        late_files=[
            file.path
            for file in files
            if (file.kind, file.delivery) == (penalties.KIND, penalties.LATE_DELIVERY)
        ],
        personas=found,
        files=files,
        digest=_digest(files),
    )


def _refuse_impossible_day(as_of: dt.date) -> None:
    first, last = DAYS_POSSIBLE
    if not first <= as_of <= last:
        raise InputRefused(
            "day_out_of_range",
            f"on {as_of} some are not born yet or nobody is under age any more",
            do=f"choose a day from {first} to {last}",
        )


def _tasks(
    city: City, trouble: Trouble, people: int, found: dict[str, Persona], people_per_chunk: int
) -> Iterator[Callable[[], tuple[int, Batch]]]:
    """Designed rows first, then everybody else's, then organisations; each gives (people done, rows)."""
    yield lambda: (0, list(_designed(city, trouble, people, found)))
    designed = [persona.index for persona in found.values()]
    for first, past in _chunks(people, people_per_chunk):
        yield partial(_people_rows, city, first, past, designed)
    for first, past in _chunks(organisations.organisation_count(city, people), people_per_chunk):
        yield partial(_organisation_rows, city, first, past, people)


def _chunks(total: int, size: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + size, total)) for first in range(0, total, size))


def _people_rows(city: City, first: int, past: int, designed: list[int]) -> tuple[int, Batch]:
    chunk = people_frame(city.seed, first, past).lazy()
    if first <= max(designed):
        chunk = chunk.filter(~pl.col("index").is_in(designed))
    rows = [
        (module.KIND, _collect(module.rows(city, module.drawn(city, chunk))))
        for module in PERSON_KINDS
    ]
    return past, rows


def _organisation_rows(city: City, first: int, past: int, people: int) -> tuple[int, Batch]:
    return people, [(organisations.KIND, _collect(organisations.rows(city, first, past)))]


def _designed(
    city: City, trouble: Trouble, people: int, found: dict[str, Persona]
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Rows of the personas, rows in trouble, and the late file."""
    whole = persona_records(found, city.today).lazy()
    who = bearer(people=people, seed=city.seed, as_of=city.as_of)
    for module in PERSON_KINDS:
        records = whole.filter(pl.col("kind") == module.KIND)
        yield module.KIND, _collect(module.rows(city, module.designed(city, records)))
        for entry, right in trouble_records(trouble, module.KIND, who=who, today=city.today):
            rows = module.rows(city, module.designed(city, right.lazy()))
            yield module.KIND, _collect(spoil(rows, entry))
    late = late_records(trouble.late, who=who, today=city.today)
    yield penalties.KIND, _collect(penalties.rows(city, penalties.designed(city, late.lazy())))
    yield from _troubled_organisations(city, trouble, people)


def _troubled_organisations(
    city: City, trouble: Trouble, people: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Organisations after the last one of the city, spoilt."""
    first = organisations.organisation_count(city, people)
    for entry in trouble.row:
        if entry.kind == organisations.KIND:
            right = organisations.rows(city, first, first + entry.rows)
            yield organisations.KIND, _collect(spoil(right, entry))
            first += entry.rows


def _collect(rows: pl.LazyFrame) -> pl.DataFrame:
    if "delivery" not in rows.collect_schema():
        rows = rows.with_columns(pl.lit(0, dtype=pl.Int32).alias("delivery"))
    return rows.collect()


def _sent_on(city: City, kind: str, delivery: int) -> dt.date:
    days_ago = penalties.sent_days_ago(delivery) if kind == penalties.KIND else 0
    return city.as_of - dt.timedelta(days=days_ago)


def _rows_by_kind(files: list[CityFile]) -> dict[str, int]:
    rows = dict.fromkeys(headers(), 0)
    for file in files:
        rows[file.kind] += file.rows
    return rows


def _digest(files: list[CityFile]) -> str:
    lines = "".join(f"{file.path} {file.sha256} {file.sent_on}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()

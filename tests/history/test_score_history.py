"""One row a change of a score, with its cause and its day, over chains of real builds."""

import datetime as dt
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import polars as pl
import pytest

from scoring.contract.documents import HistoryDocument, Step
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import (
    HISTORY_CAUSES,
    HISTORY_ROWS,
    bucket_of,
    day_of,
    decode_history,
    field_of,
    history_key,
    tag_of,
)
from scoring.errors import InputRefused, VerificationFailed
from scoring.publish.verify import verify
from scoring.recompute import read_records, recompute
from scoring.rulebook import Rulebook, load_rulebook
from tests.build.random_city import random_city
from tests.support.lake import (
    KEYS,
    Built,
    Record,
    State,
    rebuild,
    record_id,
    subject,
    write_export,
    write_lake,
)
from tests.support.resp import stored_hashes

LI, WANG = subject(1), subject(2)
FIRST, SECOND = dt.date(2026, 6, 30), dt.date(2026, 7, 10)
Row = tuple[dt.date, int, str, str | None, str | None]


class Chain:
    """Builds in a row over one data directory, each after the one before."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.built: list[Built] = []

    def build(
        self,
        as_of: dt.date,
        records: Iterable[Record],
        *,
        enrolled: Sequence[str] = (LI,),
        states: Iterable[State] = (),
        rulebook: Rulebook | None = None,
        **options: object,
    ) -> Built:
        position = len(self.built) + 1
        write_lake(self.data / "lake", records)
        export = self.data / "exports" / str(position)
        write_export(export, enrolled, states, position)
        before = self.built[-1].folder if self.built else None
        built = rebuild(
            self.data,
            as_of=as_of,
            rulebook=rulebook,
            previous=before,
            position=position,
            **options,  # type: ignore[arg-type]
        )
        self.built.append(built)
        return built


def rows(built: Built, who: str = LI) -> list[Row]:
    """at, change, cause, record, rule; newest first."""
    named = snapshot_subject_of(KEYS.snapshot_key, who)
    table = pl.read_parquet(built.folder / "history.parquet")
    own = table.filter(pl.col("snapshot_subject") == named)
    return list(own.select("at", "change_points", "cause", "record_id", "rule_id").iter_rows())


def record(number: int, outcome: str, day: dt.date, **changes: object) -> Record:
    kinds = {"kept": "commitment", "broken": "commitment", "serious": "penalty"}
    return msgspec.structs.replace(
        Record(
            subject=LI,
            record_id=record_id(number),
            kind=kinds.get(outcome, "contract_performance"),
            outcome=outcome,
            happened_on=day,
        ),
        **changes,
    )


SERIOUS = record(1, "serious", dt.date(2026, 3, 1))


def test_the_first_score_is_an_enrolment(tmp_path: Path) -> None:
    first = Chain(tmp_path).build(FIRST, [SERIOUS])
    assert rows(first) == [(FIRST, -100, "enrolment", None, None)]


def test_who_joins_later_begins_where_she_joins(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    chain.build(FIRST, [SERIOUS])
    second = chain.build(SECOND, [SERIOUS], enrolled=[LI, WANG])
    assert rows(second, WANG) == [(SECOND, 0, "enrolment", None, None)]
    assert rows(second) == [(FIRST, -100, "enrolment", None, None)]


@pytest.mark.parametrize("late_days", [0, 1, 5, 10])
def test_an_expiry_has_the_day_it_happened_however_late_the_build(
    tmp_path: Path, late_days: int
) -> None:
    ends_on = SECOND - dt.timedelta(days=late_days)
    kept = record(2, "kept", ends_on - dt.timedelta(days=730))
    chain = Chain(tmp_path)
    chain.build(FIRST, [kept])
    second = chain.build(SECOND, [kept])
    is_over = ends_on > FIRST
    expected = [(ends_on, -12, "expiry", kept.record_id, "commitment_kept")] if is_over else []
    assert rows(second)[: len(expected)] == expected
    assert len(rows(second)) == 1 + len(expected)


def test_a_record_expires_on_its_day_and_not_on_the_one_before(tmp_path: Path) -> None:
    kept = record(2, "kept", SECOND - dt.timedelta(days=730))
    chain = Chain(tmp_path)
    chain.build(FIRST, [kept])
    assert len(rows(chain.build(SECOND - dt.timedelta(days=1), [kept]))) == 1
    assert rows(chain.build(SECOND, [kept]))[0][:3] == (SECOND, -12, "expiry")


def test_a_new_record_has_its_own_day_or_the_day_it_came_in(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    chain.build(FIRST, [])
    fresh = record(3, "kept", dt.date(2026, 7, 4))
    late = record(4, "broken", dt.date(2026, 5, 4))
    second = chain.build(SECOND, [fresh, late])
    assert rows(second)[:2] == [
        (SECOND, -25, "new_record", late.record_id, "commitment_broken"),
        (dt.date(2026, 7, 4), 12, "new_record", fresh.record_id, "commitment_kept"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "change", "cause"),
    [
        (None, "disputed", 100, "dispute"),
        ("disputed", None, -100, "dispute"),
        (None, "repaired", 100, "repair"),
        (None, "removed", 100, "correction"),
    ],
)
def test_a_decision_of_the_office_is_named(
    tmp_path: Path, before: str | None, after: str | None, change: int, cause: str
) -> None:
    def states(state: str | None) -> list[State]:
        if state is None:
            return []
        return [State(subject=LI, record_id=SERIOUS.record_id, state=state)]

    chain = Chain(tmp_path)
    chain.build(FIRST, [SERIOUS], states=states(before))
    second = chain.build(SECOND, [SERIOUS], states=states(after))
    assert rows(second)[0] == (SECOND, change, cause, SERIOUS.record_id, "penalty_serious")


def test_a_corrected_record_leaves_one_rule_and_enters_another(tmp_path: Path) -> None:
    corrected = msgspec.structs.replace(SERIOUS, outcome="general", file=2)
    chain = Chain(tmp_path)
    chain.build(FIRST, [SERIOUS])
    second = chain.build(SECOND, [SERIOUS, corrected])
    told = {(rule, change, cause) for _, change, cause, _, rule in rows(second)[:2]}
    assert told == {
        ("penalty_serious", 100, "correction"),
        ("penalty_general", -40, "correction"),
    }


def test_a_record_moved_to_another_person_is_a_correction_to_both(tmp_path: Path) -> None:
    moved = msgspec.structs.replace(SERIOUS, subject=WANG, file=2)
    chain = Chain(tmp_path)
    chain.build(FIRST, [SERIOUS], enrolled=[LI, WANG])
    second = chain.build(SECOND, [SERIOUS, moved], enrolled=[LI, WANG])
    assert rows(second)[0][1:3] == (100, "correction")
    assert rows(second, WANG)[0][1:3] == (-100, "new_record")


def _changed(rule_id: str, effective_on: dt.date, **members: object) -> Rulebook:
    """A second value of one rule, announced a month before."""
    rulebook = load_rulebook()
    rules = []
    for rule in rulebook.rules:
        values = list(rule.value)
        if rule.id == rule_id:
            announced_on = effective_on - dt.timedelta(days=30)
            values.append(
                msgspec.structs.replace(
                    values[-1],
                    effective_on=effective_on,
                    announced_on=announced_on,
                    **members,
                )
            )
        rules.append(msgspec.structs.replace(rule, value=values))
    return msgspec.structs.replace(rulebook, rules=rules)


def test_a_changed_rule_is_one_row_on_the_day_it_takes_effect(tmp_path: Path) -> None:
    kept = [record(n, "kept", dt.date(2026, 4, n)) for n in (2, 3)]
    law = _changed("commitment_kept", dt.date(2026, 7, 5), points=20)
    chain = Chain(tmp_path)
    first = chain.build(FIRST, kept, rulebook=law)
    second = chain.build(SECOND, kept, rulebook=law)
    assert rows(second)[0] == (dt.date(2026, 7, 5), 16, "rule_change", None, "commitment_kept")
    assert (first.scores()[LI], second.scores()[LI]) == (624, 640)


def test_a_changed_cap_is_a_change_of_the_rule(tmp_path: Path) -> None:
    kept = [record(n, "kept", dt.date(2026, 4, n)) for n in range(2, 9)]  # 84, cut to 60
    law = _changed("commitment_kept", dt.date(2026, 7, 5), cap=72)
    chain = Chain(tmp_path)
    chain.build(FIRST, kept, rulebook=law)
    second = chain.build(SECOND, kept, rulebook=law)
    assert rows(second)[0] == (dt.date(2026, 7, 5), 12, "rule_change", None, "commitment_kept")


def test_behind_a_full_cap_nothing_moves_and_nothing_is_told(tmp_path: Path) -> None:
    """Seven kept commitments, cap 60: the oldest one's end changes nothing but the reserve."""
    days = [SECOND - dt.timedelta(days=730 - extra) for extra in (0, 20, 30, 40, 50, 60, 70)]
    kept = [record(n, "kept", day) for n, day in enumerate(days, start=2)]
    chain = Chain(tmp_path)
    chain.build(FIRST, kept)
    assert [row[2] for row in rows(chain.build(SECOND, kept))] == ["enrolment"]


def test_a_changed_rule_never_touches_a_past_score(tmp_path: Path) -> None:
    """The old snapshot recomputes to its old value, from raw records and its own published rules."""
    chain = Chain(tmp_path)
    chain.build(FIRST, [SERIOUS])
    law = _changed("penalty_serious", dt.date(2026, 7, 5), points=-50)
    chain.build(SECOND, [SERIOUS], rulebook=law)
    again = rebuild(tmp_path, as_of=FIRST, rulebook=law, out="again")
    assert again.manifest.rules_version == chain.built[0].manifest.rules_version
    assert again.items().equals(chain.built[0].items())
    for built, score in zip(chain.built, (500, 550), strict=True):
        records = read_records(tmp_path / "lake", built.manifest.sources, LI)
        found = recompute(built.rules(), records, {}, built.manifest.as_of)
        assert (found.score, built.scores()[LI]) == (score, score)


def test_the_store_holds_the_rows_of_the_table(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    chain.build(FIRST, [SERIOUS])
    second = chain.build(SECOND, [SERIOUS, record(3, "kept", dt.date(2026, 7, 4))])
    verify(second.folder, KEYS.signing_key.public_key())
    named = snapshot_subject_of(KEYS.snapshot_key, LI)
    key = history_key(second.folder.name, bucket_of(named, second.manifest.bucket_count))
    value = stored_hashes(second.folder)[key][field_of(named).encode()]
    path = second.folder / "documents" / "history.json"
    document = msgspec.json.decode(path.read_bytes(), type=HistoryDocument)
    told = [
        (
            day_of(row.day)
            if row.day is not None
            else document.snapshots[row.snapshot_index].as_of,
            row.change_points,
            HISTORY_CAUSES[row.cause_index],
            row.record_id or None,
            None if row.rule_index is None else document.rules[row.rule_index],
        )
        for row in decode_history(value, tag_of(named))
    ]
    assert told == rows(second)
    assert [entry.snapshot for entry in document.snapshots] == [
        built.folder.name for built in chain.built
    ]


def test_a_long_history_keeps_its_newest_rows(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    chain.build(FIRST, [])
    kept = [record(n, "late", FIRST + dt.timedelta(days=n % 9), measure=1) for n in range(60)]
    kept = kept[:39] + [record(100 + n, "on_time", FIRST, measure=0) for n in range(40)]
    second = chain.build(SECOND, kept)
    assert len(rows(second)) == HISTORY_ROWS
    assert "enrolment" not in {row[2] for row in rows(second)}


def test_the_snapshot_before_must_be_whole_and_earlier(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    first = chain.build(SECOND, [SERIOUS])
    with pytest.raises(InputRefused, match="previous_later"):
        rebuild(tmp_path, as_of=FIRST, previous=first.folder)
    part = first.folder / "scores.parquet" / "00.parquet"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(VerificationFailed, match="previous_wrong"):
        rebuild(tmp_path, as_of=SECOND, previous=first.folder)


def _random_law(draw: random.Random, law: Rulebook, day: dt.date) -> Rulebook:
    """One or two rules get another value on that day: points, steps, cap, validity, or an end."""
    rules = list(law.rules)
    for at in draw.sample(range(len(rules)), 2):
        last = rules[at].value[-1]
        kind = draw.choice(["points", "cap", "validity", "repeal"])
        value = msgspec.structs.replace(last, effective_on=day, announced_on=FIRST)
        if kind == "points" and value.points is not None:
            value = msgspec.structs.replace(value, points=value.points // 2 or value.points)
        elif kind == "points" and value.steps is not None:
            steps = [Step(at_least=s.at_least, points=s.points * 2) for s in value.steps]
            value = msgspec.structs.replace(value, steps=steps)
        elif kind == "cap":
            value = msgspec.structs.replace(value, cap=value.cap // 2)
        elif kind == "validity":
            value = msgspec.structs.replace(value, validity_days=value.validity_days // 2)
        values = [*rules[at].value, value]
        if kind == "repeal":
            values = [*rules[at].value[:-1], msgspec.structs.replace(last, repealed_on=day)]
        rules[at] = msgspec.structs.replace(rules[at], value=values)
    return msgspec.structs.replace(law, rules=rules)


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_random_lives_add_up_to_every_score(tmp_path: Path, seed: int) -> None:
    """Base and changes are the score, each build's new rows what the score moved by, each on a day
    in between, and none without a cause that records or rules give."""
    draw = random.Random(seed)
    city = random_city(people=60, enrolled=40, records=900, seed=seed, corrected=80)
    law = load_rulebook()
    chain = Chain(tmp_path)
    day = dt.date(2026, 6, 1)
    for step in range(3):
        share = (len(city.records) * (step + 1)) // 3
        records = [*city.records[:share], *city.records[900 : 900 + 40 * step]]
        states = [state for state in city.states if draw.random() < 0.6]
        enrolled = city.enrolled[: 25 + 5 * step]
        chain.build(day, records, enrolled=enrolled, states=states, rulebook=law)
        gap_days = draw.choice([1, 30, 200])
        day += dt.timedelta(days=gap_days)
        law = _random_law(draw, law, day - dt.timedelta(days=draw.choice([0, gap_days > 1])))
    before: Built | None = None
    for built in chain.built:
        _adds_up(built, before)
        before = built


def _adds_up(built: Built, before: Built | None) -> None:
    table = pl.read_parquet(built.folder / "history.parquet")
    own = table.filter(pl.col("snapshot") == built.folder.name)
    unexplained = (pl.col("cause") == "correction") & pl.col("record_id").is_null()
    assert own.filter(unexplained).is_empty()
    scores, old = built.scores(), before.scores() if before else {}
    moved = dict(own.group_by("snapshot_subject").agg(pl.col("change_points").sum()).iter_rows())
    first_day = before.manifest.as_of if before else dt.date(1970, 1, 1)
    assert own["at"].is_between(first_day, built.manifest.as_of, closed="right").all()
    for who, score in scores.items():
        named = snapshot_subject_of(KEYS.snapshot_key, who)
        assert moved.get(named, 0) == score - old.get(who, 600)
        days = table.filter(pl.col("snapshot_subject") == named)["at"]
        assert days.is_sorted(descending=True)


class TwoLakes:
    """Of one city, half filled and full, for histories of two builds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        city = random_city(people=200, enrolled=150, records=2_000, seed=5)
        for name, records in (("half", city.records[:1500]), ("full", city.records)):
            write_lake(folder / name / "lake", records)
            write_export(folder / name / "exports" / "1", city.enrolled)

    def manifest(self, out: str, buckets_per_job: int | None) -> bytes:
        """Of the second build, after a first one by as many jobs."""
        first = rebuild(
            self._folder / "half", as_of=FIRST, out=out, buckets_per_job=buckets_per_job
        )
        second = rebuild(
            self._folder / "full",
            as_of=SECOND,
            out=out,
            previous=first.folder,
            buckets_per_job=buckets_per_job,
        )
        return (second.folder / "manifest.json").read_bytes()


@pytest.fixture(scope="module")
def two_lakes(tmp_path_factory: pytest.TempPathFactory) -> TwoLakes:
    return TwoLakes(tmp_path_factory.mktemp("two-lakes"))


@pytest.fixture(scope="module")
def usual_manifest(two_lakes: TwoLakes) -> bytes:
    return two_lakes.manifest("usual", None)


@pytest.mark.parametrize("buckets_per_job", [1, 8, 64])
def test_the_number_of_jobs_changes_no_byte_of_a_history(
    two_lakes: TwoLakes, usual_manifest: bytes, buckets_per_job: int
) -> None:
    assert two_lakes.manifest(f"by-{buckets_per_job}", buckets_per_job) == usual_manifest

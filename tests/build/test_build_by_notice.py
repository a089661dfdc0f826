"""Whom a build leaves out: who agreed to less than is done on its day."""

import datetime as dt
from pathlib import Path

import msgspec
import polars as pl

from api.ledger.notice import load_notices
from scoring.benefits import load_benefits
from scoring.build import build
from scoring.build.citizens import covered
from scoring.rulebook import load_rulebook
from tests.support.lake import KEYS, catalogue, subject, write_export, write_lake

TRIAL, CURRENT = "2025-07", "2026-01"


def enrolments(*versions: str) -> pl.DataFrame:
    subjects = [f"{number}".ljust(22, "A") for number in range(len(versions))]
    return pl.DataFrame({"subject": subjects, "notice_version": list(versions)})


def test_who_agreed_to_the_trial_edition_alone_is_left_out_from_the_day_of_the_next() -> None:
    people = enrolments(TRIAL, CURRENT, "1999-01")
    left = covered(people, load_notices().coverage_on(dt.date(2026, 1, 1)))
    assert left["notice_version"].to_list() == [CURRENT]


def test_the_day_before_both_are_built_and_only_the_early_one_is_named() -> None:
    people = enrolments(TRIAL, CURRENT)
    left = covered(people, load_notices().coverage_on(dt.date(2025, 12, 31)))
    assert left.select("notice_version", "notice").rows() == [(TRIAL, ""), (CURRENT, CURRENT)]


def test_a_build_counts_only_those_whose_agreement_covers_it(tmp_path: Path) -> None:
    write_lake(tmp_path / "lake", [])
    write_export(tmp_path / "export", [subject(1), subject(2)])
    day = dt.date(2026, 6, 30)

    def built(trial: bool) -> int:
        coverage = load_notices().coverage_on(day)
        if trial:  # as if a material edition had followed the one they agreed to
            coverage = msgspec.structs.replace(coverage, same_terms=["2999-01"], needed="2999-01")
        folder = build(
            lake=tmp_path / "lake",
            export=tmp_path / "export",
            out=tmp_path / f"snapshots-{trial}",
            rulebook=load_rulebook(),
            benefits=load_benefits(),
            catalogue=catalogue(),
            as_of=day,
            notices=coverage,
            keys=KEYS,
        )
        return pl.read_parquet(folder / "scores.parquet").height

    assert (built(trial=False), built(trial=True)) == (2, 0)

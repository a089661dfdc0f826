"""The figures with their rates, for people and programs. Counts are not hidden however small: this
is for the office and the department, and nothing here is published."""

import datetime as dt
import io

import msgspec
import polars as pl

from scoring.catalogue.kinds import Catalogue
from scoring.quality.figures import COUNTS, KEYS, Period


class Rate(msgspec.Struct, frozen=True):
    """`rate`: rounded to six decimals; None where the denominator is 0."""

    numerator: int
    denominator: int
    rate: float | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`accepted` 入库率, `on_time` 时效率, `late` 迟报率, `wrong` 错报率, `complete` 完整率, `duplicate`
    rows sent twice. `unreported` 瞒报率 needs the department's own ledger: always unknown here."""

    period: dt.date | None
    department: str
    department_name: str
    kind: str
    files: int
    accepted: Rate
    on_time: Rate
    late: Rate
    wrong: Rate
    complete: Rate
    duplicate: Rate
    rejects_by_rule: dict[str, int]
    unreported: str = "unknown"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """覆盖率: of the pairs of department and kind in the catalogue, those that sent a row."""

    period: dt.date | None
    covered: Rate


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    """`deadlines_version`, `catalogue_version`: of the rules the figures were counted by."""

    period: Period
    catalogue_version: str
    deadlines_version: str
    coverage: list[Coverage]
    lines: list[Line]


def report_of(
    counted: pl.DataFrame,
    covered: pl.DataFrame,
    rules: pl.DataFrame,
    *,
    period: Period,
    catalogue: Catalogue,
    deadlines_version: str,
) -> QualityReport:
    """`rules`: KEYS, rule and `cells`."""
    names = {department.code: department.name for department in catalogue.departments}
    by_rule: dict[tuple[object, ...], dict[str, int]] = {}
    for *key, rule, cells in rules.select(*KEYS, "rule", "cells").iter_rows():
        by_rule.setdefault(tuple(key), {})[rule] = cells
    return QualityReport(
        period=period,
        catalogue_version=catalogue.version,
        deadlines_version=deadlines_version,
        coverage=[
            Coverage(period=start, covered=_rate(part, whole))
            for start, part, whole in covered.select("period", "covered", "expected").iter_rows()
        ],
        lines=[_line(row, names, by_rule) for row in counted.iter_rows(named=True)],
    )


def _line(
    row: dict[str, object],
    names: dict[str, str],
    by_rule: dict[tuple[object, ...], dict[str, int]],
) -> Line:
    n = {name: value for name in COUNTS if isinstance(value := row[name], int)}
    department, period = str(row["department"]), row["period"]
    return Line(
        period=period if isinstance(period, dt.date) else None,
        department=department,
        department_name=names.get(department, department),
        kind=str(row["kind"]),
        files=n["files"],
        accepted=_rate(n["accepted"], n["submitted"]),
        on_time=_rate(n["timed"] - n["late"], n["timed"]),
        late=_rate(n["late"], n["timed"]),
        wrong=_rate(n["rejected"], n["submitted"]),
        complete=_rate(n["required_cells"] - n["missing_cells"], n["required_cells"]),
        duplicate=_rate(n["duplicates"], n["submitted"]),
        rejects_by_rule=by_rule.get((row["period"], row["department"], row["kind"]), {}),
    )


def _rate(numerator: int, denominator: int) -> Rate:
    share = round(numerator / denominator, 6) if denominator else None
    return Rate(numerator, denominator, share)


RATES = ("accepted", "on_time", "late", "wrong", "complete", "duplicate")


def csv_of(report: QualityReport) -> bytes:
    """One line each; a rate as numerator and denominator, so that lines can be added up."""
    rows = [
        {
            "period": line.period,
            "department": line.department,
            "department_name": line.department_name,
            "kind": line.kind,
            "files": line.files,
            **{
                f"{name}_{part}": getattr(getattr(line, name), part)
                for name in RATES
                for part in ("numerator", "denominator")
            },
            "rejects_by_rule": " ".join(f"{rule}={n}" for rule, n in line.rejects_by_rule.items()),
        }
        for line in report.lines
    ]
    buffer = io.BytesIO()
    pl.DataFrame(rows, infer_schema_length=None).write_csv(buffer)
    return buffer.getvalue()

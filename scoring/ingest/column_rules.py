"""Sixth stage: every cell for itself: presence, length, form, range, list, check digits."""

import datetime as dt
from collections.abc import Iterator

import polars as pl

from scoring.catalogue.kinds import Field, SourceKind
from scoring.identifiers import id_number, uscc
from scoring.identifiers.columns import id_number_problem, uscc_problem
from scoring.ingest import cells
from scoring.ingest.rejects import Rejects, no_rejects
from scoring.lint.forbidden import find_forbidden

# A rule that a cell breaks where the expression is true, with its message.
Check = tuple[pl.Expr, str, str]

_FEW_CODES = 1000


def column_rejects(rows: pl.DataFrame, kind: SourceKind, sent_on: dt.date) -> Rejects:
    """The first rule each cell breaks. In: `line` and one String column per field of the kind."""
    checks = {field.code: list(_checks(field, rows, sent_on)) for field in kind.fields}
    broken = _broken_rows(rows, kind, checks)
    if broken.is_empty():
        return no_rejects()
    for field in kind.fields:
        checks[field.code] += _id_number_checks(field)
    named = broken.lazy().select(
        "line", *(_first_broken(column).alias(code) for code, column in checks.items() if column)
    )
    cells_broken = named.unpivot(index="line", variable_name="column", value_name="rule")
    return (
        cells_broken.drop_nulls("rule")
        .join(_messages(checks).lazy(), on=["column", "rule"], how="left", maintain_order="left")
        .select("line", "column", "rule", "message")
        .sort("line", maintain_order=True)
        .collect()
    )


def _broken_rows(
    rows: pl.DataFrame, kind: SourceKind, checks: dict[str, list[Check]]
) -> pl.DataFrame:
    """Rows with a broken cell. Which rule it was is asked of these few only: arithmetic over ID
    numbers is the dearest check of all, and six words for its result are six times as dear."""
    flags = [check[0] for column in checks.values() for check in column]
    numbers = (field.code for field in kind.fields if field.type == "id_number")
    flags += [id_number_problem(pl.col(code)).is_not_null() for code in numbers]
    # As a column and not as a filter: in a projection polars computes what checks share once.
    is_broken = pl.any_horizontal(flag.fill_null(value=False) for flag in flags)
    return rows.filter(rows.lazy().select(is_broken).collect().to_series())


def _first_broken(checks: list[Check]) -> pl.Expr:
    """Name of the first broken rule; null where all hold."""
    return pl.coalesce(
        pl.when(is_broken).then(pl.lit(rule, dtype=pl.String)) for is_broken, rule, _ in checks
    )


def _messages(checks: dict[str, list[Check]]) -> pl.DataFrame:
    listed = [(code, rule, message) for code in checks for _, rule, message in checks[code]]
    return pl.DataFrame(listed, schema=["column", "rule", "message"], orient="row")


def _checks(field: Field, rows: pl.DataFrame, sent_on: dt.date) -> Iterator[Check]:
    cell = pl.col(field.code)
    if field.is_required:
        yield cell.is_null(), "required", "must not be empty"
    if field.max_chars is not None and field.type not in ("id_number", "uscc"):
        is_longer = cell.str.len_chars() > field.max_chars
        yield is_longer, "too_long", f"longer than {field.max_chars} characters"
    yield from _type_checks(field, rows, sent_on)
    if field.values is not None:
        yield ~_is_listed(field), field.unlisted_rule, "is none of the values in the catalogue"
    if field.pattern is not None:
        is_other = ~cell.str.contains(rf"\A(?:{field.pattern})\z")
        yield is_other, "form", f"does not have the form {field.pattern}"
    if field.is_screened:
        yield from _screening(field, rows)


def _type_checks(field: Field, rows: pl.DataFrame, sent_on: dt.date) -> Iterator[Check]:
    if field.type == "date":
        yield from _day_checks(field, sent_on)
    elif field.type == "integer":
        is_other = ~pl.col(field.code).str.contains(cells.INTEGER_PATTERN)
        yield is_other, "not_an_integer", "a whole number in ASCII digits is expected"
        yield from _range_checks(field)
    elif field.type == "decimal":
        is_other = ~pl.col(field.code).str.contains(cells.DECIMAL_PATTERN)
        yield is_other, "not_a_decimal", "up to 12 digits and 6 decimals are expected"
        yield from _range_checks(field)
    elif field.type == "uscc":
        yield from _uscc_checks(field, rows)


def _id_number_checks(field: Field) -> Iterator[Check]:
    if field.type == "id_number":
        problem = id_number_problem(pl.col(field.code))
        for word in id_number.PROBLEMS:
            yield problem == word, f"id_number_{word}", id_number.WHAT[word]


def _day_checks(field: Field, sent_on: dt.date) -> Iterator[Check]:
    is_day = cells.day(field.code).is_not_null()
    is_none = pl.col(field.code).is_not_null() & ~is_day
    yield is_none, "not_a_day", "a day YYYY/MM/DD or YYYY-MM-DD of the calendar is expected"
    if field.is_past:
        is_future = cells.day(field.code) > sent_on
        yield is_future, "in_the_future", f"lies after {sent_on}, the day the file was sent"


def _range_checks(field: Field) -> Iterator[Check]:
    number = cells.number(field.code)
    if field.minimum is not None:
        yield number < field.minimum, "out_of_range", f"below {field.minimum}"
    if field.maximum is not None:
        yield number > field.maximum, "out_of_range", f"above {field.maximum}"


def _uscc_checks(field: Field, rows: pl.DataFrame) -> Iterator[Check]:
    """Over the distinct codes: a sender's own code stands in every row."""
    codes = rows.get_column(field.code).drop_nulls().unique()
    wrong = _wrong_codes(codes)
    for word in uscc.PROBLEMS:
        of_word = wrong.filter(pl.col("problem") == word).get_column("code")
        if not of_word.is_empty():
            is_wrong = pl.col(field.code).is_in(of_word.implode())
            yield is_wrong, f"uscc_{word}", uscc.WHAT[word]


def _wrong_codes(codes: pl.Series) -> pl.DataFrame:
    """`code`, `problem`. Few codes one by one: planning the expressions costs more than they do."""
    if codes.len() <= _FEW_CODES:
        problems = ((code, uscc.problem_of(code)) for code in codes)
        wrong = [(code, problem) for code, problem in problems if problem is not None]
        return pl.DataFrame(wrong, schema={"code": pl.String, "problem": pl.String}, orient="row")
    checked = codes.to_frame("code").lazy().with_columns(problem=uscc_problem(pl.col("code")))
    return checked.drop_nulls("problem").cast({"problem": pl.String}).collect()


def _screening(field: Field, rows: pl.DataFrame) -> Iterator[Check]:
    for text in rows.get_column(field.code).drop_nulls().unique(maintain_order=True):
        for found in find_forbidden(text)[:1]:
            rule = "forbidden_input"
            yield pl.col(field.code) == text, rule, f"{found.name}: {found.legal_basis}"


def _is_listed(field: Field) -> pl.Expr:
    values = field.values or []
    if field.separator is None:
        return pl.col(field.code).is_in(values)
    parts = pl.col(field.code).str.split(field.separator)
    return parts.list.eval(pl.element().is_in(values)).list.all()

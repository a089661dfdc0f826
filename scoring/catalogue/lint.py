"""What a catalogue entry must have and may not have."""

import re
from collections.abc import Iterator

from scoring.catalogue.kinds import Catalogue, Field, SourceKind
from scoring.lake.tables import MEASURES, OUTCOMES
from scoring.lint.forbidden import Finding, find_forbidden, find_forbidden_field
from scoring.lint.problem import LintProblem

_ID = re.compile(r"[a-z][a-z0-9_]*")


def lint_catalogue(catalogue: Catalogue) -> list[LintProblem]:
    """Every problem of every entry, in the order of the catalogue; empty when it is acceptable."""
    problems = [problem for kind in catalogue.kinds for problem in lint_kind(kind, catalogue)]
    ids = [kind.id for kind in catalogue.kinds]
    doubled = sorted({kind_id for kind_id in ids if ids.count(kind_id) > 1})
    return problems + [_problem(kind_id, "doubled_entry", "two entries") for kind_id in doubled]


def lint_kind(kind: SourceKind, catalogue: Catalogue) -> list[LintProblem]:
    return [
        *_accountability(kind, {department.code for department in catalogue.departments}),
        *_forbidden_inputs(kind),
        *_privacy(kind),
        *_columns(kind),
        *_outcomes(kind),
    ]


def _problem(where: str, rule: str, message: str) -> LintProblem:
    return LintProblem(where=where, rule=rule, message=message)


def _accountability(kind: SourceKind, departments: set[str]) -> Iterator[LintProblem]:
    if not _ID.fullmatch(kind.id):
        yield _problem(kind.id, "id", "an id is lower-case letters, digits and _")
    if not kind.legal_basis.strip():
        yield _problem(kind.id, "legal_basis_missing", "no legal basis")
    if not kind.departments:
        yield _problem(kind.id, "department_missing", "no department answers for this entry")
    for code in kind.departments:
        if code not in departments:
            yield _problem(kind.id, "department_unknown", f"department {code} is not listed")
    if kind.retention_days <= 0:
        yield _problem(kind.id, "retention_missing", "retention_days must be a number of days")


def _forbidden_inputs(kind: SourceKind) -> Iterator[LintProblem]:
    for text in (kind.name, kind.name_en, kind.legal_basis):
        yield from _refused(kind.id, find_forbidden(text))
    yield from _refused(kind.id, find_forbidden_field(kind.id))
    for field in kind.fields:
        findings = find_forbidden_field(field.code) + find_forbidden(field.name)
        for value in field.values or []:
            findings += find_forbidden(value)
        yield from _refused(f"{kind.id}.{field.code}", findings)


def _refused(where: str, findings: list[Finding]) -> Iterator[LintProblem]:
    for found in findings:
        what = f"{found.hit} ({found.way}) is forbidden input {found.name}: {found.reason}"
        yield _problem(where, "forbidden_input", f"{what} {found.legal_basis}")


def _privacy(kind: SourceKind) -> Iterator[LintProblem]:
    for field in kind.fields:
        if field.type == "id_number" and field.publication_range != "never":
            yield _problem(f"{kind.id}.{field.code}", "id_number_public", "must be `never`")
    if kind.subject_class == "person" and kind.publication_range == "public":
        yield _problem(kind.id, "person_public", "natural persons are never named in public")


def _columns(kind: SourceKind) -> Iterator[LintProblem]:
    codes = kind.header()
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield _problem(f"{kind.id}.{code}", "doubled_field", "two fields with one code")
    for code in sorted(set(_columns_used(kind)) - set(codes)):
        yield _problem(f"{kind.id}.{code}", "field_unknown", "used, but not one of the fields")
    required = {field.code for field in kind.fields if field.is_required}
    for code in sorted({*kind.record_key, kind.subject} - required):
        yield _problem(f"{kind.id}.{code}", "key_not_required", "key and subject are required")
    if not kind.record_key:
        yield _problem(kind.id, "record_key_missing", "no column names the document")
    for field in kind.fields:
        yield from _field_form(kind, field)


def _columns_used(kind: SourceKind) -> Iterator[str]:
    yield from (*kind.record_key, kind.subject, *kind.happened_on, *kind.columns.values())
    yield from (measure.column for measure in kind.measures)
    if kind.ended_on:
        yield kind.ended_on
    if kind.outcome:
        yield kind.outcome.column
        yield kind.outcome.amount_column or kind.outcome.column
    for condition in kind.conditions:
        yield from (*condition.when, *condition.present, *condition.absent)
        yield from (*condition.at_least, *condition.at_most)
        for pair in (condition.not_before, condition.not_after, condition.after):
            yield from (*pair.keys(), *pair.values())
    for edition in kind.editions:
        yield from (code for code in edition.columns.values() if code)


def _field_form(kind: SourceKind, field: Field) -> Iterator[LintProblem]:
    where = f"{kind.id}.{field.code}"
    if field.type in ("text", "code") and field.max_chars is None and field.values is None:
        yield _problem(where, "length_missing", "text without max_chars or values")
    if field.pattern is not None:
        try:
            re.compile(field.pattern)
        except re.error as error:
            yield _problem(where, "pattern", f"not a regular expression: {error}")


def _outcomes(kind: SourceKind) -> Iterator[LintProblem]:
    if kind.subject_class == "organisation":
        return
    known = OUTCOMES.get(kind.id)
    if known is None or kind.outcome is None:
        yield _problem(kind.id, "outcome_missing", "the lake knows no outcome of this kind")
        return
    for outcome in sorted(_outcomes_said(kind) - set(known)):
        yield _problem(kind.id, "outcome_unknown", f"{outcome} is none of {', '.join(known)}")
    listed = set(kind.field(kind.outcome.column).values or []) if _has_outcome(kind) else set()
    for value in sorted(listed - _values_mapped(kind)):
        yield _problem(kind.id, "outcome_unmapped", f"{value} leads to no outcome")
    for measure in kind.measures:
        if (kind.id, measure.outcome) not in MEASURES:
            yield _problem(kind.id, "measure_unknown", f"{measure.outcome} has no measure")
    yield from _policies(kind)


def _has_outcome(kind: SourceKind) -> bool:
    return kind.outcome is not None and kind.outcome.column in kind.header()


def _outcomes_said(kind: SourceKind) -> set[str]:
    assert kind.outcome is not None  # noqa: S101 - the caller has looked
    by_policy = {c.outcome for policy in kind.outcome.policies for c in policy.classes}
    return set(kind.outcome.values.values()) | by_policy


def _values_mapped(kind: SourceKind) -> set[str]:
    """Values that every policy, or the one value map, leads to an outcome."""
    assert kind.outcome is not None  # noqa: S101 - the caller has looked
    by_policy = [
        {category for one in policy.classes for category in one.categories}
        for policy in kind.outcome.policies
    ]
    return set(kind.outcome.values) | (set.intersection(*by_policy) if by_policy else set())


def _policies(kind: SourceKind) -> Iterator[LintProblem]:
    assert kind.outcome is not None  # noqa: S101 - the caller has looked
    if bool(kind.outcome.values) == bool(kind.outcome.policies):
        yield _problem(kind.id, "outcome_ways", "either values or dated policies")
    days = [policy.effective_on for policy in kind.outcome.policies]
    if days != sorted(set(days)):
        yield _problem(kind.id, "policy_dates", "policies stand in order, one a day")
    for policy in kind.outcome.policies:
        if not policy.legal_basis.strip():
            yield _problem(kind.id, "legal_basis_missing", f"policy of {policy.effective_on}")

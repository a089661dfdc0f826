"""The impact assessment as data: what it must hold, and what is wrong with it on a day.

Source: 《个人信息保护法》第十七条、第五十二条、第五十五条、第五十六条.
"""

import datetime as dt
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from scoring.errors import InputRefused
from scoring.lint.problem import LintProblem
from scoring.policy.notice_facts import NoticeFacts

ASSESSMENT_PATH = Path(__file__).with_name("assessment.toml")

Text = Annotated[str, msgspec.Meta(pattern=r"\S")]
Ground = Literal[
    "sensitive",
    "automated_decision",
    "provision",
    "publication",
    "cross_border",
    "other_significant",
]
# What the service does with personal data; none may go without an assessment.
ACTIVITIES = ("scoring", "partner_eligibility", "access_log", "cases", "own_copy", "statistics")


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    least_kept_years: int
    longest_review_days: int


class PersonInCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: Text
    phone: Text
    email: Text
    counter: Text
    legal_basis: Text


class Activity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`grounds`: cases of Art. 55; `purposes`: codes of the notice; `kept_years`: the record of
    this assessment, from `reviewed_on`."""

    id: Text
    name: Text
    grounds: Annotated[list[Ground], msgspec.Meta(min_length=1)]
    purposes: list[Text]
    legal_basis: Text
    purpose: Text
    necessity: Text
    impact: Text
    risk: Literal["low", "medium", "high"]
    measures: Annotated[list[Text], msgspec.Meta(min_length=1)]
    proportionality: Text
    assessed_on: dt.date
    reviewed_on: dt.date
    review_on: dt.date
    author: Text
    second_checker: Text
    kept_years: int


class NoticePlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item of Art. 17 and the notice's items that say it."""

    item: Text
    clause: Text
    notice: Annotated[list[Text], msgspec.Meta(min_length=1)]


class Assessment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Text
    limits: Limits
    person_in_charge: PersonInCharge
    activities: list[Activity] = msgspec.field(name="activity")
    article_17: Annotated[list[NoticePlace], msgspec.Meta(min_length=1)]


# What a person has to do about a member; those not named here: fill it in.
_DO = {
    "legal_basis": "name the law and article",
    "purpose": "say what it is for (第五十六条第一项)",
    "necessity": "say why it is lawful, proper and necessary (第五十六条第一项)",
    "impact": "say what it may do to people's rights (第五十六条第二项)",
    "risk": "low, medium or high (第五十六条第二项)",
    "measures": "name the protective measures (第五十六条第三项)",
    "proportionality": "say why the measures fit the risk (第五十六条第三项)",
    "assessed_on": "the day it was assessed, before it began (第五十五条)",
    "grounds": "name the case of 第五十五条",
    "kept_years": "keep the record for three years at least (第五十六条第二款)",
}
_TABLES = (
    ("limits", Limits),
    ("person_in_charge", PersonInCharge),
    ("activity", Activity),
    ("article_17", NoticePlace),
)


@cache
def load_assessment(path: Path = ASSESSMENT_PATH) -> Assessment:
    """Raises InputRefused `pia_refused` where a member is missing or wrong."""
    source = _read(path)
    problems = list(_shape_problems(source, path.name))
    refuse_assessment(problems)
    return msgspec.convert(source, Assessment)


def lint_assessment(path: Path) -> list[LintProblem]:
    """What is wrong on any day: members and activities. Raises InputRefused `pia_unreadable`."""
    source = _read(path)
    problems = list(_shape_problems(source, path.name))
    return problems or list(_missing_activities(msgspec.convert(source, Assessment), path.name))


def check_assessment(path: Path, as_of: dt.date, notice: NoticeFacts) -> list[LintProblem]:
    """Every problem on that day; empty where the assessment holds. Raises InputRefused
    `pia_unreadable` for a file that is no TOML."""
    source = _read(path)
    problems = list(_shape_problems(source, path.name))
    if problems:
        return problems
    assessment = msgspec.convert(source, Assessment)
    return [
        *_missing_activities(assessment, path.name),
        *(
            problem
            for entry in assessment.activities
            for problem in _entry_problems(entry, assessment.limits, as_of, path.name)
        ),
        *_notice_problems(assessment, notice, path.name),
    ]


def refuse_assessment(problems: list[LintProblem]) -> None:
    """Raises InputRefused `pia_refused` where there is any."""
    if problems:
        listed = "; ".join(f"{p.where}: {p.message} ({p.rule})" for p in problems)
        raise InputRefused("pia_refused", listed, do="complete the assessment and check it again")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputRefused(
            "pia_unreadable", str(error), where=str(path), do="a TOML file, as the package's own"
        ) from error


def _shape_problems(source: dict[str, Any], file: str) -> Iterator[LintProblem]:
    known = {name for name, _ in _TABLES} | {"version"}
    for name in sorted(set(source) - known):
        yield _problem(file, "", name, "pia_member_unknown", "no such member; take it out")
    if not str(source.get("version", "")).strip():
        yield _problem(file, "", "version", "pia_member_missing", "is missing; give the edition")
    for name, kind in _TABLES:
        found = source.get(name)
        is_list = kind in (Activity, NoticePlace)
        if not found or not isinstance(found, list if is_list else dict):
            yield _problem(file, "", name, "pia_member_missing", "is missing; fill it in")
            continue
        for place, entry in enumerate(found if is_list else [found], start=1):
            label = f"{name}[{place}]" if is_list else name
            yield from _table_problems(entry, kind, label, file)


def _table_problems(entry: Any, kind: type, label: str, file: str) -> Iterator[LintProblem]:
    if not isinstance(entry, dict):
        yield _problem(file, "", label, "pia_member_wrong", "is no table")
        return
    where = f"{label} {entry['id']}" if entry.get("id") else label
    fields = msgspec.structs.fields(kind)
    for name in sorted(set(entry) - {field.encode_name for field in fields}):
        yield _problem(file, where, name, "pia_member_unknown", "no such member; take it out")
    for field in fields:
        do = _DO.get(field.name, "fill it in")
        value = entry.get(field.encode_name)
        if value is None or _is_blank(value, field.name):
            yield _problem(file, where, field.name, "pia_member_missing", f"is missing; {do}")
            continue
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            yield _problem(file, where, field.name, "pia_member_wrong", f"{error}; {do}")


def _is_blank(value: Any, name: str) -> bool:
    """An activity may serve a purpose outside the notice (figures about nobody), hence no code."""
    if isinstance(value, str):
        return not value.strip()
    return value == [] and name != "purposes"


def _missing_activities(assessment: Assessment, file: str) -> Iterator[LintProblem]:
    ids = [entry.id for entry in assessment.activities]
    for name in ACTIVITIES:
        if name not in ids:
            what = "is not assessed; add an entry (第五十五条)"
            yield _problem(file, "activity", name, "pia_activity_missing", what)
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        what = "is assessed twice; keep one entry"
        yield _problem(file, "activity", name, "pia_activity_twice", what)


def _entry_problems(
    entry: Activity, limits: Limits, as_of: dt.date, file: str
) -> Iterator[LintProblem]:
    where = f"activity {entry.id}"
    if entry.author.strip() == entry.second_checker.strip():
        what = "is the author; have somebody else check it"
        yield _problem(file, where, "second_checker", "pia_same_person", what)
    if not entry.assessed_on <= entry.reviewed_on < entry.review_on:
        what = "must follow assessed_on and precede review_on"
        yield _problem(file, where, "reviewed_on", "pia_dates_out_of_order", what)
    for member in ("assessed_on", "reviewed_on"):
        if getattr(entry, member) > as_of:
            what = f"{getattr(entry, member)} has not come on {as_of}; enter the day it was done"
            yield _problem(file, where, member, "pia_day_not_come", what)
    if (entry.review_on - entry.reviewed_on).days > limits.longest_review_days:
        what = f"is more than {limits.longest_review_days} days after reviewed_on; set it earlier"
        yield _problem(file, where, "review_on", "pia_review_too_far", what)
    if entry.review_on < as_of:
        what = f"was due on {entry.review_on}; review the entry and set reviewed_on and review_on"
        yield _problem(file, where, "review_on", "pia_review_overdue", what)
    if entry.kept_years < limits.least_kept_years:
        what = f"is under {limits.least_kept_years} years; {_DO['kept_years']}"
        yield _problem(file, where, "kept_years", "pia_kept_too_short", what)


def _notice_problems(
    assessment: Assessment, notice: NoticeFacts, file: str
) -> Iterator[LintProblem]:
    assessed = {code for entry in assessment.activities for code in entry.purposes}
    for code in notice.purposes:
        if code not in assessed:
            what = f"is a purpose of notice {notice.version} without assessment; assess it"
            yield _problem(file, "activity", code, "pia_purpose_not_assessed", what)
    for code in sorted(assessed - set(notice.purposes)):
        what = f"is no purpose of notice {notice.version}; correct the code"
        yield _problem(file, "activity", code, "pia_purpose_unknown", what)
    for place in assessment.article_17:
        for code in place.notice:
            if code not in notice.items:
                what = f"notice {notice.version} has no such item; {place.clause} needs it"
                yield _problem(file, "article_17", code, "pia_notice_item_missing", what)
    for member in ("phone", "email"):
        contact = getattr(assessment.person_in_charge, member)
        if contact not in notice.text:
            what = f"is not what notice {notice.version} says; make both the same (第五十二条)"
            yield _problem(file, "person_in_charge", member, "pia_contact_differs", what)


def _problem(file: str, where: str, member: str, rule: str, message: str) -> LintProblem:
    place = ": ".join(part for part in (file, where, member) if part)
    return LintProblem(where=place, rule=rule, message=message, file=file)

"""What is done, held against what citizens were told: today's terms and the editions of the notice.

Law: Personal Information Protection Law, Art. 14 (2): what widens purpose, kind or manner needs a
consent of its own. What is material is data: scoring/policy/material.toml.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from scoring.catalogue.kinds import Catalogue
from scoring.lint.problem import LintProblem
from scoring.policy.material import Material
from scoring.policy.terms import (
    KindTerms,
    NoticeEdition,
    PurposeTerms,
    RuleTerms,
    Terms,
    Wording,
    changes_between,
    counts_alike,
    material_reasons,
)
from scoring.rulebook.model import Rulebook, RuleInForce, Scale, Value


def terms_in_force(
    rulebook: Rulebook, catalogue: Catalogue, purposes: Iterable[str], day: dt.date
) -> Terms:
    """What is done on that day. A purpose stands under its code. Raises InputRefused `rule_gap`."""
    rules = rulebook.in_force(day)
    return Terms(
        base=rules.scale.base,
        purposes=[
            PurposeTerms(code=code, name=Wording(zh=code, en=code)) for code in sorted(purposes)
        ],
        kinds=[
            KindTerms(
                code=kind.id,
                name=Wording(zh=kind.name, en=kind.name_en),
                retention_days=kind.retention_days,
            )
            for kind in catalogue.kinds
            if kind.subject_class == "person"
        ],
        rules=[_rule_terms(rule) for rule in rules.rules],
    )


def days_of_change(rulebook: Rulebook, day: dt.date) -> list[dt.date]:
    """Later days on which a scale or a rule's numbers begin or end."""
    values = [value for rule in rulebook.rules for value in rule.value]
    dated: list[Scale | Value] = [*rulebook.scales, *values]
    days = {value.effective_on for value in dated}
    days |= {value.repealed_on for value in dated if value.repealed_on is not None}
    return sorted(found for found in days if found > day)


def lint_terms(
    editions: Sequence[NoticeEdition], terms: Terms, day: dt.date, limits: Material
) -> Iterator[LintProblem]:
    """`editions` in the order of their effective days; `terms`: of what is done on `day`."""
    told = [edition for edition in editions if edition.effective_on <= day]
    if not told:
        message = f"no notice is in force on {day}; choose a later day, or add the notice of it"
        yield LintProblem(where="notices", rule="notice_missing", message=message)
        return
    notice = told[-1]
    reasons = material_reasons(notice.terms, terms, limits)
    if reasons:
        yield _problem(
            notice,
            "notice_not_covering",
            f"what is done on {day} differs materially ({', '.join(reasons)}): "
            f"{_differences(notice.terms, terms)}; take it back, or add a material notice announced "
            f"{limits.announced_days} days before it takes effect",
        )
    elif not counts_alike(notice.terms, terms):
        yield _problem(
            notice,
            "notice_numbers_differ",
            f"base or rules of {day} are not those of this notice: "
            f"{_differences(notice.terms, terms)}; take it back, or add a notice with these terms and "
            "`moves` as `chengxin score diff` found them",
        )


def lint_editions(editions: Sequence[NoticeEdition], limits: Material) -> Iterator[LintProblem]:
    """Each edition against those before it, in the order of their effective days."""
    for edition in editions:
        yield from _announced_in_time(edition, limits)
    needed = editions[0] if editions else None
    for before, edition in pairwise(editions):
        if needed is not None and not edition.is_material:
            yield from _unasked(needed, before, edition, limits)
        if edition.is_material:
            needed = edition


def _announced_in_time(edition: NoticeEdition, limits: Material) -> Iterator[LintProblem]:
    days = (edition.effective_on - edition.announced_on).days
    if edition.is_material and days < limits.announced_days:
        message = (
            f"announced {days} days before it takes effect, {limits.announced_days} are needed; "
            "move effective_on to a later day"
        )
        yield _problem(edition, "notice_announced_late", message, "effective_on")


def _unasked(
    needed: NoticeEdition, before: NoticeEdition, edition: NoticeEdition, limits: Material
) -> Iterator[LintProblem]:
    """`needed`: the last that citizens were asked about; small changes after it add up."""
    reasons: list[str] = list(material_reasons(needed.terms, edition.terms, limits))
    reasons += _moved(edition, limits)
    if reasons:
        yield _problem(
            edition,
            "notice_is_material",
            f"citizens are not asked although it differs materially from {needed.version} "
            f"({', '.join(reasons)}): {_differences(needed.terms, edition.terms)}; "
            "set is_material = true, or take the change back",
            "is_material",
        )
    elif edition.moves is None and not counts_alike(before.terms, edition.terms):
        yield _problem(
            edition,
            "notice_moves_missing",
            "base or rules change and nothing says how many people move; add [moves] with "
            "compared_on, moved_share and band_share as `chengxin score diff` found them",
            "moves",
        )


def _moved(edition: NoticeEdition, limits: Material) -> list[str]:
    moves = edition.moves
    if moves is None:
        return []
    found = {
        "moved_share": moves.moved_share > limits.moved_share,
        "band_share": moves.band_share > limits.band_share,
    }
    return [reason for reason, is_over in found.items() if is_over]


def _differences(old: Terms, new: Terms) -> str:
    """Without words: a purpose under its code would seem to be put in other ones."""
    changes = changes_between(old, new)
    told = [c for c in changes if (c.what, c.how) != ("purpose", "changed")]
    return ", ".join(f"{c.what} {c.code} {c.how}" for c in told)


def _rule_terms(found: RuleInForce) -> RuleTerms:
    rule, value = found.rule, found.value
    return RuleTerms(
        code=rule.id,
        name=Wording(zh=rule.name, en=rule.name_en),
        kind=rule.kind,
        points=found.steps if value.steps is not None else value.points or 0,
        cap=value.cap,
        validity_days=value.validity_days,
    )


def _problem(edition: NoticeEdition, rule: str, message: str, member: str = "terms") -> LintProblem:
    file = f"{edition.version}.toml"
    return LintProblem(where=f"{file} {member}", rule=rule, message=message, file=file)

"""What the benefits register must keep: benefits only, never on a basic service, never a loan."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring.benefits.model import BenefitPolicy, Partner, Purpose
from scoring.lint.basic_services import named_basic_services
from scoring.lint.entry_shape import (
    accountability,
    forbidden_inputs,
    read_entry,
    review_follows,
)
from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource

# 征信业管理条例 Art. 7: who rates persons for lenders needs a licence. We check a benefit, so that
# of a loan only its cost, its deposit or the speed of its procedure can follow from a score.
LOAN_BENEFIT_TYPES = {"fee_cut", "fast_lane", "deposit_waiver"}
LOAN_SCENE = "信易贷"
LENDING_WORDS = ("贷款", "借款", "授信", "信贷", "信用卡", "按揭", "网贷", "小贷", "赊贷")
SCORING_WORDS = ("授信额度", "贷款额度", "放款额度", "提高额度", "贷款评分", "违约概率", "准入")
LONGEST_ANSWER_DAYS = 30  # a yes older than this says nothing about the citizen's records


def lint_benefits(path: Path, score_range: tuple[int, int]) -> list[LintProblem]:
    """`score_range`: lowest and highest threshold the scale knows."""
    source = TomlSource(path)
    problems: list[LintProblem] = []
    purposes = _read(source, "purpose", Purpose, problems)
    partners = _read(source, "partner", Partner, problems)
    _refuse_basic_class(source, problems)
    problems += _basic_names(source, "purpose", purposes)
    problems += _basic_names(source, "partner", partners)
    policies = _read(source, "benefit", BenefitPolicy, problems)
    codes = {purpose.code for _, purpose in purposes}
    offered = {partner.id: set(partner.purposes) for _, partner in partners}
    problems += _doubled(source, [("benefit", at, policy.id) for at, policy in policies])
    problems += _doubled(source, [("partner", at, partner.id) for at, partner in partners])
    problems += _doubled(source, [("purpose", at, purpose.code) for at, purpose in purposes])
    for at, policy in policies:
        place: Place = ("benefit", at)
        problems += _register(source, place, policy, codes, offered)
        problems += _promises(source, place, policy, score_range)
        problems += accountability(source, place, policy)
        problems += review_follows(source, place, policy.review_on, policy.valid_from)
        texts = {"what": policy.what, "reason": policy.reason, "scene": policy.scene}
        problems += forbidden_inputs(source, place, texts)
    return problems


def _read(
    source: TomlSource, name: str, layout: Any, problems: list[LintProblem]
) -> list[tuple[int, Any]]:
    entries = []
    for at, raw in enumerate(source.entries.get(name, [])):
        entry, found = read_entry(source, (name, at), raw, layout)
        problems += found
        if entry is not None:
            entries.append((at, entry))
    return entries


def _refuse_basic_class(source: TomlSource, problems: list[LintProblem]) -> None:
    for at, raw in enumerate(source.entries.get("benefit", [])):
        if raw.get("service_class") == "basic":
            place: Place = ("benefit", at, "service_class")
            problems.append(
                source.problem(place, "basic_service", "a basic service has no condition")
            )


def _basic_names(
    source: TomlSource, table: str, entries: list[tuple[int, Any]]
) -> Iterator[LintProblem]:
    """A purpose or a partner named after a basic service would carry one in by its name."""
    for at, entry in entries:
        for service in named_basic_services(entry.name):
            place: Place = (table, at, "name")
            yield source.problem(place, "basic_service", f"{service} has no condition")


def _doubled(source: TomlSource, ids: list[tuple[str, int, str]]) -> Iterator[LintProblem]:
    seen: set[str] = set()
    for table, at, name in ids:
        if name in seen:
            yield source.problem((table, at), "doubled_entry", f"two entries {name}")
        seen.add(name)


def _register(
    source: TomlSource,
    place: Place,
    policy: BenefitPolicy,
    purposes: set[str],
    offered: dict[str, set[str]],
) -> Iterator[LintProblem]:
    if policy.purpose not in purposes:
        yield source.problem((*place, "purpose"), "purpose_unknown", policy.purpose)
    elif policy.partner not in offered:
        yield source.problem((*place, "partner"), "partner_unknown", policy.partner)
    elif policy.purpose not in offered[policy.partner]:
        yield source.problem(
            (*place, "purpose"), "purpose_unknown", f"{policy.partner} has not registered it"
        )


def _promises(
    source: TomlSource, place: Place, policy: BenefitPolicy, score_range: tuple[int, int]
) -> Iterator[LintProblem]:
    for service in named_basic_services(policy.what + policy.scene):
        yield source.problem(
            (*place, "what"), "basic_service", f"{service} is a basic service and has no condition"
        )
    yield from _loan(source, place, policy)
    if not score_range[0] < policy.threshold <= score_range[1]:
        yield source.problem((*place, "threshold"), "out_of_range", f"{policy.threshold}")
    if not 1 <= policy.answer_valid_days <= LONGEST_ANSWER_DAYS:
        yield source.problem(
            (*place, "answer_valid_days"), "out_of_range", f"1…{LONGEST_ANSWER_DAYS} days"
        )
    if policy.valid_until < policy.valid_from:
        yield source.problem((*place, "valid_until"), "never_in_force", "ends before it starts")


def _loan(source: TomlSource, place: Place, policy: BenefitPolicy) -> Iterator[LintProblem]:
    speaks_of_lending = any(word in policy.what for word in LENDING_WORDS)
    is_loan = policy.is_loan or policy.scene == LOAN_SCENE or speaks_of_lending
    if is_loan and policy.benefit_type not in LOAN_BENEFIT_TYPES:
        yield source.problem(
            (*place, "benefit_type"),
            "loan_not_a_benefit",
            f"of a loan only {sorted(LOAN_BENEFIT_TYPES)} may follow from a score",
        )
    for word in SCORING_WORDS:
        if is_loan and word in policy.what:
            yield source.problem((*place, "what"), "lending_score", f"「{word}」 is for lenders")

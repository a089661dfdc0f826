"""What the rulebook must keep so that every promise about the score is true."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from scoring.lint.dated_values import dates
from scoring.lint.entry_shape import (
    accountability,
    forbidden_inputs,
    names_a_text,
    read_entry,
    review_follows,
)
from scoring.lint.problem import LintProblem
from scoring.lint.rule_values import value_problems
from scoring.lint.scale import range_problems, scale_problems
from scoring.lint.toml_source import TomlSource
from scoring.lint.units import unit_problems
from scoring.rulebook.model import Fact, Rule, Rulebook, Scale

Placed = list[tuple[int, Rule]]  # index in the file


def lint_rulebook(path: Path, facts_path: Path) -> list[LintProblem]:
    """Raises tomllib.TOMLDecodeError, OSError where a file cannot be read at all."""
    source, words = TomlSource(path), TomlSource(facts_path)
    facts, problems = _read(words, "fact", Fact)
    scales, found = _read(source, "scale", Scale)
    problems += found
    rules, found = _read(source, "rule", Rule)
    problems += found
    problems += scale_problems(source, scales)
    for index, rule in rules:
        problems += _rule_problems(source, index, rule)
    if not problems:  # sums over entries mean nothing while one of them is unreadable or undated
        problems += range_problems(source, scales, rules)
    problems += _fact_problems(source, words, rules, [fact for _, fact in facts])
    return problems


def _read(source: TomlSource, name: str, layout: Any) -> tuple[list[Any], list[LintProblem]]:
    entries: list[Any] = []
    problems: list[LintProblem] = []
    raw_entries = source.entries.get(name, [])
    if not raw_entries:
        problems.append(source.problem((), "entry_missing", f"no [[{name}]]"))
    for index, raw in enumerate(raw_entries):
        entry, found = read_entry(source, (name, index), raw, layout)
        problems += found or _value_members(source, name, index, raw)
        if entry is not None:
            entries.append((index, entry))
    unknown = set(source.entries) - {"scale", "rule", "fact"}
    return entries, problems + [
        source.problem((table,), "member_unreadable", f"no table {table} is known here")
        for table in sorted(unknown)
    ]


def _value_members(
    source: TomlSource, name: str, index: int, raw: dict[str, Any]
) -> list[LintProblem]:
    """Blank members of a rule's values; msgspec only sees that they are there."""
    values = cast(list[dict[str, Any]], raw.get("value", [])) if name == "rule" else []
    return [
        source.problem((name, index, "value", at, member), "member_missing", f"{member} is empty")
        for at, value in enumerate(values)
        for member, text in value.items()
        if isinstance(text, str) and not text.strip()
    ]


def _rule_problems(source: TomlSource, index: int, rule: Rule) -> Iterator[LintProblem]:
    place = ("rule", index)
    yield from accountability(source, place, rule)
    yield from dates(source, (*place, "value"), rule.value)
    for at, value in enumerate(rule.value):
        yield from value_problems(source, (*place, "value", at), value)
        yield from review_follows(source, place, rule.review_on, value.effective_on)
        basis = {"legal_basis": value.legal_basis}
        yield from forbidden_inputs(source, (*place, "value", at), basis)
        yield from names_a_text(source, (*place, "value", at), value.legal_basis)
    yield from unit_problems(source, place, rule)
    texts = {"id": rule.id, "name": rule.name, "name_en": rule.name_en, "reason": rule.reason}
    yield from forbidden_inputs(source, place, texts)


def kept_problems(
    path: Path, rulebook: Rulebook, kept_days: Mapping[str, int]
) -> list[LintProblem]:
    """`kept_days`: kind -> days its records are kept, by the catalogue. What is erased earlier
    cannot count for as long as the rule says."""
    source = TomlSource(path)
    return [
        source.problem(
            ("rule", index, "value", at, "validity_days"),
            "erased_while_counting",
            f"counts {value.validity_days} days, {rule.kind} is kept {kept_days[rule.kind]}",
        )
        for index, rule in enumerate(rulebook.rules)
        for at, value in enumerate(rule.value)
        if value.validity_days > kept_days.get(rule.kind, value.validity_days)
    ]


def _fact_problems(
    source: TomlSource, words: TomlSource, rules: Placed, facts: list[Fact]
) -> Iterator[LintProblem]:
    from scoring.lake.tables import OUTCOMES  # polars, needed by no other check of this module

    by_name = {(fact.kind, fact.outcome): fact for fact in facts}
    known = {(kind, outcome) for kind, outcomes in OUTCOMES.items() for outcome in outcomes}
    for kind, outcome in sorted(known - set(by_name)):
        yield words.problem((), "fact_missing", f"{kind} {outcome} has no words")
    taken: set[tuple[str, str]] = set()
    ids: set[str] = set()
    for index, rule in rules:
        fact = (rule.kind, rule.outcome)
        if fact not in known:
            yield source.problem(("rule", index, "kind"), "fact_unknown", f"no record says {fact}")
        elif by_name.get(fact) and by_name[fact].without_rule != "no_rule":
            why = by_name[fact].without_rule
            yield source.problem(("rule", index, "outcome"), "never_counts", f"{fact} is {why}")
        if fact in taken:
            yield source.problem(("rule", index), "two_rules_for_a_fact", f"{fact} has a rule")
        if rule.id in ids:
            yield source.problem(("rule", index, "id"), "doubled_entry", f"two rules {rule.id}")
        taken.add(fact)
        ids.add(rule.id)

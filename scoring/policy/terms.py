"""What a notice stands for, in a form that can be compared: purposes, kinds of record, rules.

Pure: two terms in, their differences out, in words of both languages, and whether they are material.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import chain
from typing import Literal, TypeVar

import msgspec

from scoring.contract.documents import Step
from scoring.policy.material import Material, Reason, Widening

What = Literal["purpose", "kind", "rule", "base"]
How = Literal["added", "removed", "changed"]


class Wording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    zh: str
    en: str


class PurposeTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    name: Wording


class KindTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source kind of the catalogue; `retention_days`: how long a record of it is kept."""

    code: str
    name: Wording
    retention_days: int


class RuleTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule's numbers; `points`: a record's, or by the record's measure."""

    code: str
    name: Wording
    kind: str
    points: int | list[Step]
    cap: int
    validity_days: int

    @property
    def steps(self) -> list[Step]:
        if isinstance(self.points, int):
            return [Step(at_least=0, points=self.points)]
        return sorted(self.points, key=lambda step: step.at_least)


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`base`: points everybody begins with."""

    base: int
    purposes: list[PurposeTerms]
    kinds: list[KindTerms]
    rules: list[RuleTerms]


class TermsChange(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `code`: of the purpose, kind or rule; `text`: in plain words."""

    what: What
    how: How
    code: str
    text: Wording


class MovesFound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of `chengxin score diff` between the rulebook before and the one of this notice."""

    compared_on: dt.date
    moved_share: float
    band_share: float


class NoticeEdition(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the notice as releases are held against it. `moves`: needed where the rules
    change and citizens are not asked anew."""

    version: str
    announced_on: dt.date
    effective_on: dt.date
    is_material: bool
    terms: Terms
    moves: MovesFound | None = None


_Term = TypeVar("_Term", PurposeTerms, KindTerms, RuleTerms)


def changes_between(old: Terms, new: Terms) -> list[TermsChange]:
    """Purposes first, then kinds, rules and the base; in the order of the new terms, then what is
    gone."""
    base = Wording(
        zh=f"基础分由 {old.base} 分改为 {new.base} 分",
        en=f"The base changes from {old.base} to {new.base} points",
    )
    return [
        *_compared("purpose", old.purposes, new.purposes, _PURPOSE_WORDS),
        *_compared("kind", old.kinds, new.kinds, _KIND_WORDS),
        *_compared("rule", old.rules, new.rules, _RULE_WORDS),
        *([_change("base", "changed", "base", base)] if old.base != new.base else []),
    ]


def material_reasons(old: Terms, new: Terms, limits: Material) -> list[Reason]:
    """Why the change from `old` to `new` is material; empty where it is not."""
    found = [reason for reason in _widenings(old, new) if reason in limits.always]
    if largest_move_points(old, new) > limits.largest_points:
        return [*found, "largest_points"]
    return list(found)


def counts_alike(old: Terms, new: Terms) -> bool:
    """Whether base and rules give everybody the same score under both."""
    return old.base == new.base and _numbers(old) == _numbers(new)


def _numbers(terms: Terms) -> dict[str, object]:
    return {r.code: (r.kind, r.steps, r.cap, r.validity_days) for r in terms.rules}


def largest_move_points(old: Terms, new: Terms) -> int:
    """The furthest that one person's score can move, up or down, under the rules' caps: people
    whose records under a rule are all alike. Who has nothing moves by the base alone."""
    before, after = ({rule.code: rule for rule in terms.rules} for terms in (old, new))
    pairs = [_pair(before.get(code), after.get(code)) for code in {**before, **after}]
    base = new.base - old.base
    most = base + sum(max(pair) for pair in pairs)
    least = base + sum(min(pair) for pair in pairs)
    return max(abs(most), abs(least))


def _pair(old: RuleTerms | None, new: RuleTerms | None) -> tuple[int, int]:
    """Largest rise and largest fall (never above 0) from one rule to another."""
    rules = [rule for rule in (old, new) if rule is not None]
    measures = {step.at_least for rule in rules for step in rule.steps}
    moves = [0]
    for measure in measures:
        was, becomes = _points_at(old, measure), _points_at(new, measure)
        for records in range(1, max(_most_records(rule, measure) for rule in rules) + 1):
            moves.append(_sum(new, records * becomes) - _sum(old, records * was))
    return max(moves), min(moves)


def _points_at(rule: RuleTerms | None, measure: int) -> int:
    reached = [step.points for step in rule.steps if step.at_least <= measure] if rule else []
    return reached[-1] if reached else 0


def _most_records(rule: RuleTerms, measure: int) -> int:
    """So many that the cap is used up; one more changes nothing."""
    points = abs(_points_at(rule, measure))
    return -(-abs(rule.cap) // points) if points else 1


def _sum(rule: RuleTerms | None, points: int) -> int:
    if rule is None:
        return 0
    return min(points, rule.cap) if rule.cap >= 0 else max(points, rule.cap)


def _widenings(old: Terms, new: Terms) -> list[Widening]:
    kept = {kind.code: kind.retention_days for kind in old.kinds}
    counted = {rule.code: rule for rule in old.rules}
    is_kept_longer = any(
        kind.retention_days > kept.get(kind.code, kind.retention_days) for kind in new.kinds
    )
    known = [(counted[rule.code], rule) for rule in new.rules if rule.code in counted]
    found: dict[Widening, bool] = {
        "purpose_added": bool({p.code for p in new.purposes} - {p.code for p in old.purposes}),
        "kind_added": bool({kind.code for kind in new.kinds} - set(kept)),
        "rule_added": len(known) < len(new.rules),
        "kept_longer": is_kept_longer,
        "counts_longer": any(b.validity_days > a.validity_days for a, b in known),
    }
    return [reason for reason, holds in found.items() if holds]


# words: (added, removed, changed)
_Words = tuple[Wording, Wording, Wording]
_PURPOSE_WORDS: _Words = (
    Wording(zh="新增目的：{new}", en="New purpose: {new}"),
    Wording(zh="取消目的：{old}", en="Purpose no longer pursued: {old}"),
    Wording(zh="目的的表述由“{old}”改为“{new}”", en="A purpose is put in other words: {new}"),
)
_KIND_WORDS: _Words = (
    Wording(zh="新增信息种类：{new}", en="New kind of information: {new}"),
    Wording(zh="不再使用的信息种类：{old}", en="Kind of information no longer used: {old}"),
    Wording(
        zh="信息种类的变化：{old}；今后：{new}", en="Kind of information: {old}; from now: {new}"
    ),
)
_RULE_WORDS: _Words = (
    Wording(zh="新增规则：{new}", en="New rule: {new}"),
    Wording(zh="取消规则：{old}", en="Rule repealed: {old}"),
    Wording(zh="规则的变化：{old}；今后：{new}", en="Rule: {old}; from now: {new}"),
)


def _compared(
    what: What, old: Sequence[_Term], new: Sequence[_Term], words: _Words
) -> list[TermsChange]:
    before = {term.code: term for term in old}
    after = {term.code: term for term in new}
    added = [term for code, term in after.items() if code not in before]
    gone = [term for code, term in before.items() if code not in after]
    other = [(before[c], term) for c, term in after.items() if c in before and before[c] != term]
    return list(
        chain(
            (_change(what, "added", t.code, _filled(words[0], None, t)) for t in added),
            (_change(what, "changed", b.code, _filled(words[2], a, b)) for a, b in other),
            (_change(what, "removed", t.code, _filled(words[1], t, None)) for t in gone),
        )
    )


def _change(what: What, how: How, code: str, text: Wording) -> TermsChange:
    return TermsChange(what=what, how=how, code=code, text=text)


def _filled(words: Wording, old: _Term | None, new: _Term | None) -> Wording:
    was, becomes = _told(old), _told(new)
    return Wording(
        zh=words.zh.format(old=was.zh, new=becomes.zh),
        en=words.en.format(old=was.en, new=becomes.en),
    )


def _told(term: PurposeTerms | KindTerms | RuleTerms | None) -> Wording:
    """A term with its numbers."""
    if term is None:
        return Wording(zh="", en="")
    if isinstance(term, KindTerms):
        return Wording(
            zh=f"{term.name.zh}（保存 {term.retention_days} 天）",
            en=f"{term.name.en} (kept {term.retention_days} days)",
        )
    if isinstance(term, RuleTerms):
        return Wording(
            zh=f"{term.name.zh}（每条 {_points(term)} 分，合计以 {term.cap:+d} 分为限，"
            f"有效 {term.validity_days} 天）",
            en=f"{term.name.en} ({_points(term)} points a record, {term.cap:+d} at most, "
            f"for {term.validity_days} days)",
        )
    return term.name


def _points(rule: RuleTerms) -> str:
    return "/".join(f"{step.points:+d}" for step in rule.steps)

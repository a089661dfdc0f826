"""What is announced and not yet in force: values ahead, beside those that hold on the day before."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TypeVar

from scoring.contract.documents import Step, UpcomingChange
from scoring.rulebook.model import Rule, Rulebook, Scale, Value

Points = int | list[Step] | None


def upcoming_changes(rulebook: Rulebook, as_of: dt.date) -> list[UpcomingChange]:
    """Announced by `as_of`, in force later: by day, then base and bands before the rules."""
    found = [*_of_scales(rulebook.scales, as_of)]
    for rule in rulebook.rules:
        found += _of_rule(rule, as_of)
    return sorted(found, key=lambda change: change.from_)


def _of_rule(rule: Rule, as_of: dt.date) -> Iterator[UpcomingChange]:
    for value in _ahead(rule.value, as_of):
        before = _before(rule.value, value)
        yield UpcomingChange(
            rule_id=rule.id,
            change="begins" if before is None else "changes",
            from_=value.effective_on,
            announced_on=value.announced_on,
            text=f"{rule.name}：{_in_chinese(before, value)}",
            text_en=f"{rule.name_en}: {_in_english(before, value)}",
            points=_points(value),
            cap=value.cap,
            validity_days=value.validity_days,
            legal_basis=value.legal_basis,
        )
    for value, ends_on, announced_on in _ending(rule.value, as_of):
        yield UpcomingChange(
            rule_id=rule.id,
            change="ends",
            from_=ends_on,
            announced_on=announced_on,
            text=f"{rule.name}：停止施行，不再计分",
            text_en=f"{rule.name_en}: ends and no longer counts",
            legal_basis=value.legal_basis,
        )


def _of_scales(scales: Sequence[Scale], as_of: dt.date) -> Iterator[UpcomingChange]:
    for scale in _ahead(scales, as_of):
        bands = "、".join(f"{band.name} {band.from_}–{band.to}" for band in scale.bands)
        bands_en = ", ".join(f"{band.name_en} {band.from_}–{band.to}" for band in scale.bands)
        yield UpcomingChange(
            rule_id=None,
            change="changes",
            from_=scale.effective_on,
            announced_on=scale.announced_on,
            text=f"基础分 {scale.base} 分，范围 {scale.minimum}–{scale.maximum} 分，分段：{bands}",
            text_en=f"Base {scale.base}, range {scale.minimum}–{scale.maximum}, bands: {bands_en}",
            legal_basis=scale.legal_basis,
        )


_Dated = TypeVar("_Dated", Value, Scale)


def _ahead(values: Sequence[_Dated], as_of: dt.date) -> list[_Dated]:
    return [value for value in values if value.announced_on <= as_of < value.effective_on]


def _before(values: Sequence[Value], value: Value) -> Value | None:
    """The value that holds until this one begins."""
    earlier = [other for other in values if other.effective_on < value.effective_on]
    last = max(earlier, key=lambda other: other.effective_on, default=None)
    is_over = last is not None and last.repealed_on not in (None, value.effective_on)
    return None if is_over else last


def _ending(values: Sequence[Value], as_of: dt.date) -> Iterator[tuple[Value, dt.date, dt.date]]:
    starts = {value.effective_on for value in values}
    for value in values:
        ends_on, announced_on = value.repealed_on, value.repeal_announced_on
        if ends_on is None or announced_on is None or ends_on in starts:
            continue
        if announced_on <= as_of < ends_on:
            yield value, ends_on, announced_on


def _points(value: Value) -> Points:
    return value.points if value.points is not None else value.steps


def _in_chinese(before: Value | None, value: Value) -> str:
    def members(value: Value) -> dict[str, str]:
        return {
            "每条分数": _in_figures(value),
            "合计至多": f"{value.cap:+}",
            "计入": f"{value.validity_days} 天",
        }

    told = _told(members(before) if before else {}, members(value), "由 {} 改为 {}")
    return "，".join(told) or "分数不变，依据条款更新"


def _in_english(before: Value | None, value: Value) -> str:
    def members(value: Value) -> dict[str, str]:
        return {
            "points a record": _in_figures(value),
            "at most": f"{value.cap:+}",
            "counts for": f"{value.validity_days} days",
        }

    told = _told(members(before) if before else {}, members(value), "from {} to {}")
    return ", ".join(told) or "the points stay, the legal basis is another"


def _told(before: dict[str, str], after: dict[str, str], change: str) -> list[str]:
    """What differs, member by member; all of them where nothing was before."""
    return [
        f"{name} {change.format(before[name], text) if before else text}"
        for name, text in after.items()
        if before.get(name) != text
    ]


def _in_figures(value: Value) -> str:
    """Points as a person reads them; of steps `1+ -3 / 30+ -8`."""
    if value.points is not None:
        return f"{value.points:+}"
    ordered = sorted(value.steps or [], key=lambda step: step.at_least)
    return " / ".join(f"{step.at_least}+ {step.points:+}" for step in ordered)

"""Base, range and bands, and whether every sum of caps stays inside them."""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

from scoring.lint.bounds import load_bounds
from scoring.lint.dated_values import dates
from scoring.lint.entry_shape import accountability, forbidden_inputs, names_a_text, review_follows
from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource
from scoring.rulebook.model import Rule, Rulebook, RulesInForce, Scale

MOST_RULES = 12  # design promise 6: few enough to add up by hand
BANDS = 5


def scale_problems(source: TomlSource, placed: list[tuple[int, Scale]]) -> Iterator[LintProblem]:
    if placed:  # where none could be read, that is the problem
        yield from dates(source, ("scale",), [scale for _, scale in placed])
    for index, scale in placed:
        place = ("scale", index)
        yield from accountability(source, place, scale)
        yield from review_follows(source, place, scale.review_on, scale.effective_on)
        yield from _bands(source, (*place, "bands"), scale)
        texts = {"reason": scale.reason, "legal_basis": scale.legal_basis}
        texts["bands"] = " ".join(f"{band.name} {band.name_en}" for band in scale.bands)
        yield from forbidden_inputs(source, place, texts)
        yield from names_a_text(source, place, scale.legal_basis)
        if not scale.minimum <= scale.base <= scale.maximum:
            yield source.problem((*place, "base"), "out_of_range", "base lies outside the range")


def range_problems(
    source: TomlSource, scales: list[tuple[int, Scale]], rules: list[tuple[int, Rule]]
) -> Iterator[LintProblem]:
    """Checked on every day on which something changes: between them nothing can go wrong."""
    rulebook = Rulebook(
        scales=[scale for _, scale in scales], rules=[rule for _, rule in rules], facts=[]
    )
    first = min(scale.effective_on for scale in rulebook.scales)
    for day in sorted(day for day in _change_days(rulebook) if day >= first):
        yield from _sums(source, day, rulebook.in_force(day))


def _change_days(rulebook: Rulebook) -> set[dt.date]:
    values = [value for rule in rulebook.rules for value in rule.value]
    ends = {value.repealed_on for value in values if value.repealed_on is not None}
    starts = {value.effective_on for value in values}
    return starts | ends | {scale.effective_on for scale in rulebook.scales}


def _sums(source: TomlSource, day: dt.date, in_force: RulesInForce) -> Iterator[LintProblem]:
    if len(in_force.rules) > MOST_RULES:
        yield source.problem(
            ("rule", MOST_RULES), "too_many_rules", f"{len(in_force.rules)} rules hold on {day}"
        )
    scale, caps = in_force.scale, [entry.value.cap for entry in in_force.rules]
    lowest = scale.base + sum(cap for cap in caps if cap < 0)
    highest = scale.base + sum(cap for cap in caps if cap > 0)
    if lowest < scale.minimum or highest > scale.maximum:
        yield source.problem(
            ("scale", 0),
            "out_of_range",
            f"on {day} caps allow {lowest}…{highest}, the scale is {scale.minimum}…{scale.maximum}",
        )


def _bands(source: TomlSource, place: Place, scale: Scale) -> Iterator[LintProblem]:
    bands = scale.bands
    if len(bands) != BANDS or len({band.code for band in bands}) != BANDS:
        yield source.problem(place, "bands_wrong", f"there must be {BANDS} different bands")
        return
    if bands[0].from_ != scale.minimum or bands[-1].to != scale.maximum:
        yield source.problem(place, "band_gap", "bands must reach from minimum to maximum")
    for band in bands:
        judging = load_bounds().band_names.found_in(band.name, band.name_en)
        if judging is not None:
            reason = load_bounds().band_names.reason
            yield source.problem(place, "band_judges", f"{band.code}「{judging}」: {reason}")
        if band.to < band.from_:
            yield source.problem(place, "bands_wrong", f"{band.code} ends before it starts")
    for low, high in pairwise(bands):
        if high.from_ > low.to + 1:
            yield source.problem(place, "band_gap", f"no band between {low.code} and {high.code}")
        elif high.from_ <= low.to:
            yield source.problem(place, "band_overlap", f"{low.code} and {high.code} overlap")

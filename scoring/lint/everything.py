"""All linters over all data files that decide about people."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from scoring.benefits.load import BENEFITS_PATH
from scoring.catalogue.lint import lint_catalogue
from scoring.catalogue.loading import CATALOGUE_FOLDER, read_catalogue
from scoring.errors import InputRefused
from scoring.lint.benefits import lint_benefits
from scoring.lint.problem import LintProblem
from scoring.lint.rulebook import kept_problems, lint_rulebook
from scoring.policy.assessment import ASSESSMENT_PATH, lint_assessment
from scoring.rulebook.load import FACTS_PATH, RULEBOOK_PATH, load_rulebook

_LINE = re.compile(r"\(at line (\d+)")  # as tomllib says it


def lint(
    *,
    rulebook: Path = RULEBOOK_PATH,
    facts: Path = FACTS_PATH,
    benefits: Path = BENEFITS_PATH,
    catalogue: Path = CATALOGUE_FOLDER,
    assessment: Path = ASSESSMENT_PATH,
) -> list[LintProblem]:
    """Every problem of every file; empty when all may be used. Never raises for bad content."""
    rulebook_problems = _readable(rulebook, lambda: lint_rulebook(rulebook, facts))
    problems = [*rulebook_problems]
    catalogue_problems = _readable(catalogue, lambda: lint_catalogue(read_catalogue(catalogue)))
    problems += catalogue_problems
    problems += _readable(assessment, lambda: lint_assessment(assessment))
    if rulebook_problems:
        return problems  # without a scale no threshold can be judged
    law = load_rulebook(rulebook, facts)
    if not catalogue_problems:
        days = {kind.id: kind.retention_days for kind in read_catalogue(catalogue).kinds}
        problems += kept_problems(rulebook, law, days)
    scales = law.scales
    score_range = (min(s.minimum for s in scales), max(s.maximum for s in scales))
    return problems + _readable(benefits, lambda: lint_benefits(benefits, score_range))


def refuse_problems(problems: list[LintProblem]) -> None:
    """Raises InputRefused `lint_refused` where there is any."""
    if problems:
        listed = "; ".join(f"{p.where}: {p.message} ({p.rule})" for p in problems)
        raise InputRefused("lint_refused", listed, do="correct the entries; nothing was built")


def _readable(path: Path, linter: Callable[[], list[LintProblem]]) -> list[LintProblem]:
    try:
        return linter()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, InputRefused) as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else 0
        where = f"{path.name}:{line}" if line else path.name
        problem = LintProblem(
            where=where, rule="file_unreadable", message=str(error), file=path.name, line=line
        )
        return [problem]

"""Marked places in the pages and what fills them.

A page carries prose and, where data belong, a marked block whose content stands in for the data:

    <!-- data:rules-summary -->
    What a reader sees in the repository, or before there are data.
    <!-- /data -->
"""

import re

from api.ledger.notice import load_notices
from builder import (
    assessment_page,
    benefits_page,
    cases_page,
    catalogue_page,
    english_page,
    home_page,
    integrity_page,
    privacy_page,
    retention_page,
    rules_page,
    scope_page,
    self_test_page,
    voucher_page,
)
from builder.sources import Published
from scoring.errors import InputRefused
from scoring.lint.forbidden import forbidden_inputs
from scoring.policy.retention import load_retention

_BLOCK = re.compile(r"<!-- data:(?P<name>[a-z-]+) -->\n(?P<stand_in>.*?)<!-- /data -->", re.DOTALL)


def all_fragments(published: Published) -> dict[str, str | None]:
    """Markdown or HTML by name; None where the page's own stand-in is to stay."""
    rules, figures = published.rules, published.figures
    heads = published.signed_heads
    notices = load_notices()
    notice = notices.current(published.as_of)
    titles = {item.code: item.title for item in notice.items}
    assessment = assessment_page.checked(published.as_of)
    return {
        "assessment": assessment_page.page(assessment),
        "notice-items": assessment_page.article_17(assessment, titles),
        "person-in-charge": assessment_page.person_in_charge(assessment),
        "home-figures": home_page.figures(figures, rules) if figures else None,
        "home-benefits": benefits_page.home(published.benefits),
        "rules-example": rules_page.example(rules),
        "rules-edition": rules_page.edition(rules),
        "rules-bands": rules_page.bands(rules),
        "rules-summary": rules_page.summary(rules),
        "rules-details": rules_page.details(rules),
        "rules-upcoming": rules_page.upcoming(rules),
        "benefits-summary": benefits_page.summary(published.benefits),
        "benefits-cards": benefits_page.cards(published.benefits),
        "integrity-newest": integrity_page.newest(heads) if heads else None,
        "integrity-days": integrity_page.days(heads) if heads else None,
        "voucher-choices": voucher_page.choices(published.benefits),
        "voucher-keys": voucher_page.keys(published.keys),
        "catalogue-summary": catalogue_page.summary(published.catalogue),
        "catalogue-sections": catalogue_page.sections(published.catalogue),
        "privacy-notice": privacy_page.notice(notice),
        "notice-versions": privacy_page.versions(notices, published.as_of),
        "retention-table": retention_page.page(load_retention()),
        "scoring-cases": cases_page.page(),
        "scoring-cases-summary": cases_page.summary(),
        "self-test": self_test_page.page(),
        "self-test-sources": self_test_page.sources(),
        "scope-forbidden": scope_page.forbidden(forbidden_inputs()),
        "english-bands": english_page.bands(rules),
        "english-rules": english_page.rules_table(rules),
        "english-upcoming": english_page.upcoming(rules),
        "english-forbidden": scope_page.forbidden_english(forbidden_inputs()),
    }


def names_in(text: str) -> list[str]:
    return [match["name"] for match in _BLOCK.finditer(text)]


def fill(text: str, fragments: dict[str, str | None], where: str) -> str:
    """The page with every marked block replaced. Raises InputRefused for an unknown name."""

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in fragments:
            raise InputRefused("site_unknown_fragment", f"no data named {name}", where=where)
        fragment = fragments[name]
        return f"{match['stand_in']}" if fragment is None else f"{fragment}\n"

    return _BLOCK.sub(replace, text)

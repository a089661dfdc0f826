"""A change of the rules never works backwards: what a past day was scored by stays as it was."""

import datetime as dt
from typing import Any

from scoring.contract.documents import RulesDocument
from scoring.errors import InputRefused
from scoring.rulebook.document import published_document
from scoring.rulebook.model import Rulebook


def refuse_backward_changes(rulebook: Rulebook, published: RulesDocument, as_of: dt.date) -> None:
    """`published`: the rules a snapshot of `as_of` was made by. Wording may be corrected, points,
    caps, days, base and bands of that day may not.

    Raises InputRefused `rules_work_backwards`.
    """
    was, now = _weights(published), _weights(published_document(rulebook, as_of))
    changed = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    if changed:
        raise InputRefused(
            "rules_work_backwards",
            f"on {as_of} scores were made by other values of {', '.join(changed)}",
            where="rulebook.toml",
            do="leave past values as they are; add a dated value that is announced first",
        )


def _weights(document: RulesDocument) -> dict[str, Any]:
    """Everything a score depends on, by rule."""
    bands = [(band.code, band.from_, band.to) for band in document.bands]
    scale = (document.base, document.minimum, document.maximum, bands)
    rules = {
        rule.id: (
            rule.kind,
            rule.outcome,
            rule.measure,
            rule.points,
            rule.cap,
            rule.validity_days,
        )
        for rule in document.rules
    }
    return {"scale": scale} | rules

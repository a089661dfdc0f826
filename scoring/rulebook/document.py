"""What `GET /v1/rules` says: the rulebook as in force on a day, complete enough to recompute."""

import datetime as dt
import hashlib

import msgspec

from scoring.contract.documents import PublishedRule, RulesDocument
from scoring.rulebook.model import Rulebook, RuleInForce, RulesInForce
from scoring.rulebook.upcoming import upcoming_changes

_VERSION_HEX = 8  # 32 bits tell two editions of one day apart; the day is what people quote


def published_document(rulebook: Rulebook, as_of: dt.date) -> RulesDocument:
    """Rules in force on `as_of`. Its `version` is the day of the last change and a digest of the
    members, so that equal versions mean equal rules; what is only announced is not among them."""
    in_force = rulebook.in_force(as_of)
    unnamed = RulesDocument(
        version="",
        effective_on=_last_change(in_force),
        base=in_force.scale.base,
        minimum=in_force.scale.minimum,
        maximum=in_force.scale.maximum,
        bands=in_force.scale.bands,
        rules=[_published(entry) for entry in in_force.rules],
        upcoming=upcoming_changes(rulebook, as_of),
    )
    return msgspec.structs.replace(unnamed, version=_version(unnamed))


def _last_change(in_force: RulesInForce) -> dt.date:
    days = [entry.value.effective_on for entry in in_force.rules]
    return max([in_force.scale.effective_on, *days])


def _version(document: RulesDocument) -> str:
    in_force = msgspec.to_builtins(document)
    del in_force["upcoming"]
    digest = hashlib.sha256(msgspec.json.encode(in_force)).hexdigest()
    return f"{document.effective_on.isoformat()}.{digest[:_VERSION_HEX]}"


def _published(entry: RuleInForce) -> PublishedRule:
    rule, value = entry.rule, entry.value
    return PublishedRule(
        id=rule.id,
        version=value.effective_on.isoformat(),
        name=rule.name,
        name_en=rule.name_en,
        kind=rule.kind,
        outcome=rule.outcome,
        measure=rule.measure,
        unit=rule.unit,
        points=value.steps if value.steps is not None else value.points or 0,
        cap=value.cap,
        validity_days=value.validity_days,
        legal_basis=value.legal_basis,
        reason=rule.reason,
        effective_on=value.effective_on,
        review_on=rule.review_on,
        author=rule.author,
        second_checker=rule.second_checker,
    )

"""The score's law as data: dated values in TOML, read here, never numbers in code."""

from scoring.rulebook.document import published_document
from scoring.rulebook.load import load_rulebook
from scoring.rulebook.model import Rulebook, RuleInForce, RulesInForce

__all__ = ["RuleInForce", "Rulebook", "RulesInForce", "load_rulebook", "published_document"]

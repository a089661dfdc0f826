"""Rulebook from its TOML files."""

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from scoring.errors import InputRefused
from scoring.rulebook.model import Fact, Rule, Rulebook, Scale

RULEBOOK_PATH: Final = Path(__file__).with_name("rulebook.toml")
FACTS_PATH: Final = Path(__file__).with_name("facts.toml")


class _RulebookFile(msgspec.Struct, forbid_unknown_fields=True):
    scale: list[Scale]
    rule: list[Rule]


class _FactsFile(msgspec.Struct, forbid_unknown_fields=True):
    fact: list[Fact]


_File = TypeVar("_File")


def load_rulebook(path: Path = RULEBOOK_PATH, facts_path: Path = FACTS_PATH) -> Rulebook:
    """Raises InputRefused `rulebook_unreadable` where a file is no TOML or an entry lacks a member
    or has one too many; what entries mean together is for `scoring.lint.lint`."""
    law = _decode(path, _RulebookFile)
    words = _decode(facts_path, _FactsFile)
    return Rulebook(scales=law.scale, rules=law.rule, facts=words.fact)


def _decode(path: Path, layout: type[_File]) -> _File:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=layout)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRefused(
            "rulebook_unreadable", str(error), where=str(path), do="run `chengxin lint`"
        ) from error

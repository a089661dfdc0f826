"""Words of a what-if, from `what_if.toml`, and the kinds of records that end with the duty."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from api.problems import Language
from scoring.what_if import Way

Status = Literal["reached", "reachable", "reachable_if_wrong", "unreachable"]


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str

    def filled(self, language: Language, members: dict[str, object]) -> str:
        return (self.en if language == "en" else self.zh).format(**members)


class Fulfilment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    outcome: str


class WhatIfWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fulfilments: list[Fulfilment] = msgspec.field(name="fulfilment")
    status: dict[Status, _Text]
    way: dict[Way, _Text]


@cache
def what_if_words() -> WhatIfWords:
    text = resources.files("api.me").joinpath("what_if.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=WhatIfWords)


def status_text(status: Status, language: Language, **members: object) -> str:
    return what_if_words().status[status].filled(language, members)


def way_text(way: Way, language: Language, **members: object) -> str:
    return what_if_words().way[way].filled(language, members)

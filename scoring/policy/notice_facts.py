"""The notice in force, as far as the impact assessment is held against it."""

import msgspec


class NoticeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`purposes`, `items`: codes; `text`: of the whole notice, with its contacts."""

    version: str
    purposes: list[str]
    items: list[str]
    text: str

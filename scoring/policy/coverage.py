"""Whose enrolment a build may use: of whom accepted what is done on its day."""

import msgspec


class NoticeCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """`needed`: the notice whose terms hold on the day. `same_terms`: versions that stand for them,
    `needed` among them; `newer_terms`: versions with later ones, which can be accepted before they
    are in force. Who accepted any other has not agreed to what is done."""

    needed: str
    same_terms: list[str]
    newer_terms: list[str]

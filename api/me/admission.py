"""Whose record may be shown: who is enrolled and has accepted what is done today.

Nothing is asked of the ledger for a citizen with a record or a mark. Who has neither may be one whom
the build left out because her acceptance no longer stands; only then, and only since there was a
material change, the ledger is asked.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import msgspec

from api.ledger.enrolment import EnrolmentView, view_of
from api.ledger.notice import NoticeChange
from api.ledger.protocol import Enrolment
from api.ledger.standing import NoticeStanding, accepted_notice
from api.me.records import WITHDRAWN_MARK, value_of
from api.openapi.limits import LINE, VERSION
from api.problems import Language, Members, Problem
from api.store.protocol import Stored, Version
from scoring.contract.snapshot import Manifest

VersionName = Annotated[str, msgspec.Meta(max_length=32, pattern=VERSION)]
Words = Annotated[str, msgspec.Meta(max_length=512, pattern=LINE)]


class NoticeChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """`code`: of the purpose, kind or rule. `text`: in the asked language."""

    what: Literal["purpose", "kind", "rule", "base"]
    how: Literal["added", "removed", "changed"]
    code: Annotated[str, msgspec.Meta(max_length=64, pattern="^[a-z0-9_]+$")]
    text: Words


class ReconsentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """From the notice she accepted to the one that asks for her consent anew. `state`: `announced`
    until `effective_on`, from when her earlier acceptance no longer stands: `required`."""

    state: Literal["announced", "required"]
    from_version: VersionName
    to_version: VersionName
    announced_on: dt.date
    effective_on: dt.date
    changes: Annotated[list[NoticeChangeLine], msgspec.Meta(max_length=1_000)]


class EnrolmentAnswer(EnrolmentView, frozen=True, kw_only=True):
    """`reconsent`: a material change she has not accepted, from its announcement on; null where
    there is none."""

    reconsent: ReconsentAnswer | None = None


def reconsent_answer(
    change: NoticeChange, language: Language, *, is_required: bool
) -> ReconsentAnswer:
    return ReconsentAnswer(
        state="required" if is_required else "announced",
        from_version=change.from_version,
        to_version=change.to_version,
        announced_on=change.announced_on,
        effective_on=change.effective_on,
        changes=change_lines(change, language),
    )


def change_lines(change: NoticeChange, language: Language) -> list[NoticeChangeLine]:
    return [
        NoticeChangeLine(
            what=each.what,
            how=each.how,
            code=each.code,
            text=each.text.en if language == "en" else each.text.zh,
        )
        for each in change.changes
    ]


class Admission:
    """`enrolment_of`: the ledger's, by the citizen's own pseudonym."""

    def __init__(
        self,
        standing: NoticeStanding,
        enrolment_of: Callable[[str], Awaitable[Enrolment]],
    ) -> None:
        self._standing = standing
        self._enrolment_of = enrolment_of

    def too_old(self) -> frozenset[str]:
        return self._standing.too_old()

    async def value_of(self, stored: Stored, manifest: Manifest, subject: str) -> bytes:
        """As records.value_of, of a citizen whose acceptance stands. Raises Problem not_enrolled,
        not_scored_yet, reconsent_required; LedgerUnavailable."""
        await self.require_enrolled(stored, subject)
        value = value_of(stored)
        self.require_accepted(accepted_in(stored.mark, value, manifest))
        return value

    def told(self, enrolment: Enrolment, language: Language) -> EnrolmentAnswer:
        """Her enrolment, with the change she has to know of."""
        view = view_of(enrolment)
        version = view.notice_version
        change = self._standing.change_for(version) if version is not None else None
        reconsent = (
            reconsent_answer(change, language, is_required=version in self.too_old())
            if change is not None
            else None
        )
        return EnrolmentAnswer(**msgspec.structs.asdict(view), reconsent=reconsent)

    async def require_enrolled(self, stored: Stored, subject: str) -> None:
        """Raises Problem reconsent_required where the mark, or without record and mark the ledger,
        says so; LedgerUnavailable."""
        mark = stored.mark
        if mark is not None:
            if not mark.startswith(WITHDRAWN_MARK):
                self.require_accepted(accepted_notice(mark, "", ""))
            return
        if stored.value is None and self.too_old():
            enrolment = await self._enrolment_of(subject)
            if enrolment.status == "active" and enrolment.notice_version is not None:
                self.require_accepted(enrolment.notice_version)

    def require_accepted(self, notice: str) -> None:
        """Raises Problem reconsent_required."""
        if notice in self.too_old():
            raise self._refusal(notice)

    def _refusal(self, notice: str) -> Problem:
        change = self._standing.change_for(notice)

        def members(language: Language) -> Members:
            if change is None:
                return {}
            return {"reconsent": reconsent_answer(change, language, is_required=True)}

        return Problem("reconsent_required", members=members)


def accepted_in(mark: bytes | None, value: bytes, manifest: Manifest) -> str:
    """The version who has this hot record accepted."""
    own = ""
    if mark is None and value.count(b",") > 1:
        own = value.rpartition(b",")[2].decode("ascii", "replace")
    return accepted_notice(mark, own, manifest.notice)


async def admitted(
    admission: Admission | None, stored: Stored, version: Version, subject: str
) -> bytes:
    """Without `admission` whoever has a record may see it, as in her copy of all data."""
    if admission is None:
        return value_of(stored)
    return await admission.value_of(stored, version.manifest, subject)

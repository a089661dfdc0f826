"""GET /v1/me/score, the hot route: all bytes that do not depend on the citizen are made once a
version; a request adds a number to them."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import CITIZEN_SCOPE, open_to
from api.answers import (
    API_POLICY,
    JSON_HEADER,
    NEVER_CACHED,
    SAFETY_HEADERS,
    Answer,
    Call,
    Direct,
    Header,
    answer_of,
)
from api.inner import ApiRequest, call_of, response_of
from api.me.admission import Admission, admitted
from api.me.last_good import LastGood
from api.me.records import band_of, refuse_corrupt
from api.schemas import BandAnswer, ScoreAnswer
from api.store.protocol import SnapshotReader, StoreDown, Version
from api.versions import rules_of
from scoring.contract.documents import Band
from scoring.contract.snapshot import TAG_CHARS, HotRecord, RecordCorrupt, decode_hot, tag_of

# Of every answer from a citizen's own score.
SCORE_PROBLEMS = [
    "not_enrolled",
    "not_scored_yet",
    "reconsent_required",
    "record_corrupt",
    "ledger_unavailable",
    "store_unavailable",
]
HEADERS: list[Header] = [JSON_HEADER, NEVER_CACHED, API_POLICY, *SAFETY_HEADERS]
_LEAD = b'{"score":'
NOTHING: frozenset[str] = frozenset()


def _tail(version: Version, band: Band, *, is_stale: bool) -> bytes:
    """All of the answer that follows the number."""
    manifest = version.manifest
    answer = ScoreAnswer(
        score=0,
        band=BandAnswer(code=band.code, name=band.name, name_en=band.name_en),
        as_of=manifest.as_of,
        snapshot=manifest.snapshot,
        rules_version=manifest.rules_version,
        stale=is_stale,
    )
    return msgspec.json.encode(answer).removeprefix(_LEAD + b"0")


class VersionAnswers:
    """The answers of one version, made when first needed. At most one for each score there is:
    a record that does not pass its checks makes none.

    `too_old`: notices whose acceptance does not stand; a record that rests on one has no answer
    here, so that looking for the answer is the check. `is_stale`: given without the store.
    """

    def __init__(
        self, version: Version, too_old: frozenset[str], *, is_stale: bool = False
    ) -> None:
        self.version = version
        self.too_old = too_old
        self._bands = rules_of(version).bands
        self._tails = [_tail(version, band, is_stale=is_stale) for band in self._bands]
        self._made: dict[bytes, Answer] = {}

    def of(self, value: bytes, tag: bytes) -> Answer | None:
        """`value`: a hot record as stored. None where the notice it rests on is too old. Raises
        RecordCorrupt."""
        if not value.startswith(tag):
            raise RecordCorrupt("hot record of another citizen")
        content = value[TAG_CHARS:]
        answer = self._made.get(content)
        if answer is None:
            record = decode_hot(value, tag.decode())
            if (record.notice or self.version.manifest.notice) in self.too_old:
                return None
            answer = self._made[content] = self._answer(record)
        return answer

    def of_accepted(self, value: bytes, tag: bytes) -> Answer:
        """For a citizen who has accepted what she must since the record was made. Raises
        RecordCorrupt."""
        return self.of(value, tag) or self._answer(decode_hot(value, tag.decode()))

    def _answer(self, record: HotRecord) -> Answer:
        band_of(record, self._bands)
        body = b"%b%d%b" % (_LEAD, record.score_points, self._tails[record.band_index])
        return answer_of(200, HEADERS, body)


class ScoreRoute:
    """`admission`: None where whoever has a score may see it, as in her copy of all data.
    `last_good`: what answers when the store does not; None where nothing may."""

    def __init__(
        self,
        reader: SnapshotReader,
        admission: Admission | None = None,
        last_good: LastGood | None = None,
    ) -> None:
        self._reader = reader
        self._admission = admission
        self._last_good = last_good
        self._answers: VersionAnswers | None = None
        self._stale_answers: VersionAnswers | None = None

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem, StoreDown, LedgerUnavailable."""
        caller = call.caller
        subject = caller.snapshot_subject
        try:
            version = self._reader.version()
            stored = await self._reader.hot(version, subject)
            answers = self._answers_of(version)
        except StoreDown:
            if self._last_good is None:
                raise
            version, stored = self._last_good.hot(subject)
            answers = self._stale_answers_of(version)
        try:
            tag = tag_of(subject).encode()
            if stored.value is not None and stored.mark is None:
                answer = answers.of(stored.value, tag)
                if answer is not None:
                    return answer
            value = await admitted(self._admission, stored, version, caller.subject)
            return answers.of_accepted(value, tag)
        except RecordCorrupt as error:
            refuse_corrupt(error)

    def _answers_of(self, version: Version) -> VersionAnswers:
        too_old = NOTHING if self._admission is None else self._admission.too_old()
        answers = self._answers
        if answers is None or answers.version is not version or answers.too_old is not too_old:
            answers = self._answers = VersionAnswers(version, too_old)
        return answers

    def _stale_answers_of(self, version: Version) -> VersionAnswers:
        too_old = NOTHING if self._admission is None else self._admission.too_old()
        answers = self._stale_answers
        if answers is None or answers.version is not version or answers.too_old is not too_old:
            answers = VersionAnswers(version, too_old, is_stale=True)
            self._stale_answers = answers
        return answers


def score_handler(route: Direct) -> HTTPRouteHandler:
    """The same answer through the framework; it is what the OpenAPI document describes."""

    @get(
        "/v1/me/score",
        operation_id="getMyScore",
        tags=["citizen"],
        summary="我的信用分",
        opt=open_to(
            CITIZEN_SCOPE,
            audit="citizen",
            problems=SCORE_PROBLEMS,
        ),
    )
    async def my_score(request: ApiRequest) -> Response[ScoreAnswer]:
        return response_of(await route(call_of(request)))

    return my_score

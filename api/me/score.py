"""GET /v1/me/score, the hot route: all bytes that do not depend on the citizen are made once a
version; a request adds a number to them."""

from functools import partial

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
from api.me.last_good import LastGood
from api.me.records import band_of, refuse_corrupt, value_of
from api.schemas import BandAnswer, ScoreAnswer
from api.store.protocol import SnapshotReader, StoreDown, Version
from api.versions import PerVersion, rules_of
from scoring.contract.documents import Band
from scoring.contract.snapshot import TAG_CHARS, HotRecord, RecordCorrupt, decode_hot, tag_of

HEADERS: list[Header] = [JSON_HEADER, NEVER_CACHED, API_POLICY, *SAFETY_HEADERS]
_LEAD = b'{"score":'


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
    a record that does not pass its checks makes none. `is_stale`: given without the store."""

    def __init__(self, version: Version, *, is_stale: bool = False) -> None:
        self._bands = rules_of(version).bands
        self._tails = [_tail(version, band, is_stale=is_stale) for band in self._bands]
        self._made: dict[bytes, Answer] = {}

    def of(self, value: bytes, tag: bytes) -> Answer:
        """`value`: a hot record as stored. Raises RecordCorrupt."""
        if not value.startswith(tag):
            raise RecordCorrupt("hot record of another citizen")
        content = value[TAG_CHARS:]
        answer = self._made.get(content)
        if answer is None:
            answer = self._made[content] = self._answer(decode_hot(value, tag.decode()))
        return answer

    def _answer(self, record: HotRecord) -> Answer:
        band_of(record, self._bands)
        body = b"%b%d%b" % (_LEAD, record.score_points, self._tails[record.band_index])
        return answer_of(200, HEADERS, body)


class ScoreRoute:
    """`last_good`: what answers when the store does not; None where nothing may."""

    def __init__(self, reader: SnapshotReader, last_good: LastGood | None = None) -> None:
        self._reader = reader
        self._last_good = last_good
        self._answers = PerVersion(VersionAnswers)
        self._stale_answers = PerVersion(partial(VersionAnswers, is_stale=True))

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem, StoreDown."""
        subject = call.caller.snapshot_subject
        try:
            version = self._reader.version()
            stored = await self._reader.hot(version, subject)
            answers = self._answers.of(version)
        except StoreDown:
            if self._last_good is None:
                raise
            version, stored = self._last_good.hot(subject)
            answers = self._stale_answers.of(version)
        value = value_of(stored)
        try:
            return answers.of(value, tag_of(subject).encode())
        except RecordCorrupt as error:
            refuse_corrupt(error)


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
            problems=["not_enrolled", "not_scored_yet", "record_corrupt", "store_unavailable"],
        ),
    )
    async def my_score(request: ApiRequest) -> Response[ScoreAnswer]:
        return response_of(await route(call_of(request)))

    return my_score

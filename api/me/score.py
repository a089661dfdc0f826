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
)
from api.inner import ApiRequest, call_of, response_of
from api.me.records import band_of, refuse_corrupt, value_of
from api.schemas import BandAnswer, ScoreAnswer
from api.store.protocol import SnapshotReader, Version
from api.versions import PerVersion, rules_of
from scoring.contract.documents import Band
from scoring.contract.snapshot import RecordCorrupt, decode_hot, tag_of

HEADERS: list[Header] = [JSON_HEADER, NEVER_CACHED, API_POLICY, *SAFETY_HEADERS]
_LEAD = b'{"score":'


class ScoreTemplate(msgspec.Struct, frozen=True):
    """`tails`: for each band, all of the answer that follows the number."""

    bands: list[Band]
    tails: list[bytes]


def score_template(version: Version) -> ScoreTemplate:
    bands = rules_of(version).bands
    return ScoreTemplate(bands, [_tail(version, band) for band in bands])


def _tail(version: Version, band: Band) -> bytes:
    manifest = version.manifest
    answer = ScoreAnswer(
        score=0,
        band=BandAnswer(code=band.code, name=band.name, name_en=band.name_en),
        as_of=manifest.as_of,
        snapshot=manifest.snapshot,
        rules_version=manifest.rules_version,
    )
    return msgspec.json.encode(answer).removeprefix(_LEAD + b"0")


class ScoreRoute:
    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._templates = PerVersion(score_template)

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem, StoreDown."""
        subject = call.caller.snapshot_subject
        version = self._reader.version()
        stored = await self._reader.hot(version, subject)
        value = value_of(stored)
        template = self._templates.of(version)
        try:
            record = decode_hot(value, tag_of(subject))
            band_of(record, template.bands)
        except RecordCorrupt as error:
            refuse_corrupt(error)
        body = b"%b%d%b" % (_LEAD, record.score_points, template.tails[record.band_index])
        return Answer(200, HEADERS, body)


def score_handler(route: Direct) -> HTTPRouteHandler:
    """The same answer through the framework; it is what the OpenAPI document describes."""

    @get(
        "/v1/me/score",
        operation_id="getMyScore",
        tags=["citizen"],
        summary="我的信用分",
        opt=open_to(
            CITIZEN_SCOPE,
            problems=["not_enrolled", "not_scored_yet", "record_corrupt", "store_unavailable"],
        ),
    )
    async def my_score(request: ApiRequest) -> Response[ScoreAnswer]:
        return response_of(await route(call_of(request)))

    return my_score

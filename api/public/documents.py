"""Published documents: the bytes built with the snapshot, served as they are, cached by anyone."""

import re
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import open_to
from api.answers import (
    Answer,
    Call,
    Direct,
    Header,
    answer_of,
    public_headers,
)
from api.inner import ApiRequest, call_of, response_of
from api.problems import Problem
from api.store.protocol import SnapshotReader, Version
from api.versions import PerVersion, decoded_document, document_of
from scoring.contract.documents import BenefitsDocument, CatalogueDocument, RulesDocument
from scoring.contract.snapshot import BENEFITS_DOCUMENT

RENDERING = 1  # part of the ETag: raise it when the same snapshot is answered with other bytes
SCENE = re.compile(r"[A-Za-z0-9\u4E00-\u9FFF_-]{1,64}")  # letters, digits, Han
MAX_SCENE_CHARS = 64


class DocumentRoute:
    """`name`: one of scoring.contract.snapshot.DOCUMENTS."""

    def __init__(self, reader: SnapshotReader, name: str, *, max_age_seconds: int) -> None:
        self._reader = reader
        self._name = name
        self._max_age_seconds = max_age_seconds
        self._answers = PerVersion(self._made)

    async def __call__(self, call: Call) -> Answer:
        """Raises StoreDown."""
        return self._answers.of(self._reader.version())

    def _made(self, version: Version) -> Answer:
        return answer_of(200, self._headers(version), document_of(version, self._name))

    def _headers(self, version: Version) -> list[Header]:
        snapshot = version.manifest.snapshot
        headers = public_headers(f"{snapshot}.{RENDERING}", self._max_age_seconds)
        return [*headers, (b"chengxin-snapshot", snapshot.encode())]


class BenefitsRoute(DocumentRoute):
    """`?tag=信易行` keeps the benefits of one scene."""

    def __init__(self, reader: SnapshotReader, *, max_age_seconds: int) -> None:
        super().__init__(reader, BENEFITS_DOCUMENT, max_age_seconds=max_age_seconds)
        self._documents = PerVersion(
            lambda version: decoded_document(version, BENEFITS_DOCUMENT, BenefitsDocument)
        )

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem, StoreDown."""
        version = self._reader.version()
        scene = call.query.get("tag")
        if scene is None:
            return self._answers.of(version)
        if not SCENE.fullmatch(scene):
            raise Problem("invalid_parameter")
        items = [item for item in self._documents.of(version).items if item.scene == scene]
        body = msgspec.json.encode(BenefitsDocument(items=items))
        return answer_of(200, self._headers(version), body)


def rules_handler(route: Direct) -> HTTPRouteHandler:
    @get(
        "/v1/rules",
        operation_id="getRules",
        tags=["public"],
        summary="评分规则",
        opt=open_to(None, cache="public", problems=["store_unavailable"]),
    )
    async def rules(request: ApiRequest) -> Response[RulesDocument]:
        return response_of(await route(call_of(request)))

    return rules


def benefits_handler(route: Direct) -> HTTPRouteHandler:
    @get(
        "/v1/benefits",
        operation_id="getBenefits",
        tags=["public"],
        summary="守信激励目录",
        opt=open_to(None, cache="public", query=["tag"], problems=["store_unavailable"]),
    )
    async def benefits(
        request: ApiRequest,
        tag: Annotated[
            str | None, QueryParameter(description="场景，如 信易行", max_length=MAX_SCENE_CHARS)
        ] = None,
    ) -> Response[BenefitsDocument]:
        return response_of(await route(call_of(request)))

    return benefits


def catalogue_handler(route: Direct) -> HTTPRouteHandler:
    @get(
        "/v1/catalogue",
        operation_id="getCatalogue",
        tags=["public"],
        summary="信用信息目录",
        opt=open_to(None, cache="public", problems=["store_unavailable"]),
    )
    async def catalogue(request: ApiRequest) -> Response[CatalogueDocument]:
        return response_of(await route(call_of(request)))

    return catalogue

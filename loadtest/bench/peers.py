"""The same answer the usual ways, for a ratio in the same run.

`floor`: a bare ASGI function that answers a constant: what server and machine cost by themselves.
`usual`: a Litestar handler as tutorials write it: token verified on each request, one redis-py
call, Struct answer.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Litestar, get
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

from loadtest.bench.peer_parts import PeerParts
from scoring.contract.pseudonyms import snapshot_subject_of

_BODY = b'{"score":642,"band":{"code":"steady","name":"x"},"as_of":"2026-11-22","snapshot":"none"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


async def floor(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


class _Answer(msgspec.Struct):
    score: int
    band: int
    as_of: str
    snapshot: str


def usual() -> Litestar:
    parts = PeerParts()
    manifest = parts.manifest

    @get("/v1/me/score")
    async def score(authorization: str = Parameter(header="authorization")) -> _Answer:
        claims = parts.claims_in(authorization)
        record = await parts.record_of(snapshot_subject_of(parts.snapshot_key, claims["sub"]))
        if record is None:
            raise NotFoundException
        return _Answer(
            record.score_points, record.band_index, str(manifest.as_of), manifest.snapshot
        )

    return Litestar([score], openapi_config=None)

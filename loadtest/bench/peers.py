"""The same answer the usual ways, for a ratio in the same run.

`floor`: a bare ASGI function that answers a constant: what server and machine cost by themselves.
`usual`: a Litestar handler as tutorials write it: token verified on each request, one redis-py call,
Struct answer. Both read their settings from CHENGXIN_* like the service.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import msgspec
from litestar import Litestar, get
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import Parameter
from redis.asyncio import Redis

from scoring.contract.pseudonyms import parse_key, snapshot_subject_of
from scoring.contract.snapshot import Manifest, bucket_of, decode_hot, field_of, hot_key, tag_of

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
    public_key = jwt.PyJWK.from_json(os.environ["PEER_JWK"]).key
    snapshot_key = parse_key(os.environ["PEER_SNAPSHOT_KEY"])
    redis = Redis(unix_socket_path=os.environ["PEER_STORE_SOCKET"], protocol=2)
    manifest = msgspec.json.decode(os.environ["PEER_MANIFEST"].encode(), type=Manifest)
    audience, issuer = os.environ["PEER_AUDIENCE"], os.environ["PEER_ISSUER"]

    @get("/v1/me/score")
    async def score(authorization: str = Parameter(header="authorization")) -> _Answer:
        try:
            claims = jwt.decode(
                authorization.removeprefix("Bearer "),
                public_key,
                algorithms=["ES256"],
                audience=audience,
                issuer=issuer,
            )
        except jwt.PyJWTError as error:
            raise NotAuthorizedException from error
        subject = snapshot_subject_of(snapshot_key, claims["sub"])
        key = hot_key(manifest.snapshot, bucket_of(subject, manifest.bucket_count))
        value = await redis.hget(key, field_of(subject))  # type: ignore[misc]
        if value is None:
            raise NotFoundException
        record = decode_hot(value, tag_of(subject))
        return _Answer(
            record.score_points, record.band_index, str(manifest.as_of), manifest.snapshot
        )

    return Litestar([score], openapi_config=None)

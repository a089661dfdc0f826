"""What both usual handlers are set up with, handed to their process in its environment."""

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jwt
import msgspec
from litestar.exceptions import NotAuthorizedException
from redis.asyncio import Redis

from api.commands.demo.tokens import AUDIENCE
from api.signing_keys import SigningKey, jwks_of
from scoring.contract.pseudonyms import parse_key
from scoring.contract.snapshot import (
    HotRecord,
    Manifest,
    bucket_of,
    decode_hot,
    field_of,
    hot_key,
    tag_of,
)
from scoring.keys import key_files

if TYPE_CHECKING:
    from loadtest.bench.batch import Built
    from scoring.store.embedded import EmbeddedStore


def peer_environment(
    built: "Built", store: "EmbeddedStore", key: SigningKey, issuer: str
) -> Mapping[str, str]:
    return {
        "PEER_JWK": json.dumps(jwks_of(key)["keys"][0]),
        "PEER_SNAPSHOT_KEY": key_files(built.data).snapshot.read_text(),
        "PEER_STORE_SOCKET": str(store.socket_path),
        "PEER_MANIFEST": (built.snapshot / "manifest.json").read_text(),
        "PEER_AUDIENCE": AUDIENCE,
        "PEER_ISSUER": issuer,
    }


class PeerParts:
    def __init__(self) -> None:
        self.snapshot_key = parse_key(os.environ["PEER_SNAPSHOT_KEY"])
        self.redis = Redis(unix_socket_path=os.environ["PEER_STORE_SOCKET"], protocol=2)
        self.manifest = msgspec.json.decode(os.environ["PEER_MANIFEST"].encode(), type=Manifest)
        self._public_key = jwt.PyJWK.from_json(os.environ["PEER_JWK"]).key
        self._audience, self._issuer = os.environ["PEER_AUDIENCE"], os.environ["PEER_ISSUER"]

    def claims_in(self, authorization: str) -> dict[str, Any]:
        """Verified on each request. Raises NotAuthorizedException."""
        try:
            return jwt.decode(
                authorization.removeprefix("Bearer "),
                self._public_key,
                algorithms=["ES256"],
                audience=self._audience,
                issuer=self._issuer,
            )
        except jwt.PyJWTError as error:
            raise NotAuthorizedException from error

    async def record_of(self, snapshot_subject: str) -> HotRecord | None:
        bucket = bucket_of(snapshot_subject, self.manifest.bucket_count)
        value = await self.redis.hget(
            hot_key(self.manifest.snapshot, bucket), field_of(snapshot_subject)
        )
        return None if value is None else decode_hot(value, tag_of(snapshot_subject))

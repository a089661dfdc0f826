"""The partner registry: data, read once at start and refused whole where it is wrong."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

REGISTRY_PATH = Path(__file__).with_name("registry.toml")

PartnerScope = Literal["eligibility", "consents"]
ELIGIBILITY_SCOPE: PartnerScope = "eligibility"
CONSENTS_SCOPE: PartnerScope = "consents"
# Words that only our own tokens can hold: in a token of the city's provider they mean nothing.
PARTNER_SCOPES: frozenset[str] = frozenset({ELIGIBILITY_SCOPE, CONSENTS_SCOPE})

# An id is a file name and a part of store keys; a client id is a `sub`.
_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
_ClientId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]


class RegistryBroken(ValueError):
    """Names the file and the entry."""


class Partner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: _Id
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    client_id: _ClientId
    scopes: Annotated[frozenset[PartnerScope], msgspec.Meta(min_length=1)]
    policies: frozenset[str]
    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    partners: list[Partner] = msgspec.field(name="partner")


class Registry:
    def __init__(self, partners: list[Partner]) -> None:
        """Raises RegistryBroken where an id or a client id stands twice."""
        self.by_id: Mapping[str, Partner] = MappingProxyType({p.id: p for p in partners})
        self.by_client: Mapping[str, Partner] = MappingProxyType({p.client_id: p for p in partners})
        if not len(self.by_id) == len(self.by_client) == len(partners):
            raise RegistryBroken("an id or a client_id stands twice")


def load_registry(path: Path = REGISTRY_PATH) -> Registry:
    """Raises RegistryBroken."""
    try:
        return Registry(msgspec.toml.decode(path.read_bytes(), type=_File).partners)
    except (OSError, ValueError) as error:  # msgspec's and Unicode's errors are ValueErrors
        raise RegistryBroken(f"{path}: {error}") from error

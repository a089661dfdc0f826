"""Services made in one process know nothing of each other, at once or one after the other."""

from pathlib import Path
from typing import Any

import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from tests.api.city import make_city
from tests.api.service import Service, service_of


def is_enrolled(service: Service, name: str) -> bool:
    answer = service.get("/v1/me/enrolment", service.signer.token(name)).json()
    return bool(answer["status"] == "active")


def join(service: Service, name: str) -> None:
    body = {"notice_version": service.get("/v1/notice").json()["version"]}
    assert service.post("/v1/me/enrolment", body, service.signer.token(name)).status == 201


def tree(service: Service) -> Any:
    return service.app._inner


def test_who_joined_with_one_is_unknown_to_the_others(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second", "later")]
    for folder in folders:
        folder.mkdir()
    with (
        service_of(make_city(), folders[0]) as first,
        service_of(make_city(), folders[1]) as second,
    ):
        assert tree(first) is not tree(second)
        join(first, "fresh")
        assert is_enrolled(first, "fresh")
        assert not is_enrolled(second, "fresh")
    with service_of(make_city(), folders[2]) as later:
        assert tree(later) is tree(first)  # the tree alone: see tests.support.routes_once
        assert not is_enrolled(later, "fresh")
        join(later, "fresh")


def test_a_route_declared_otherwise_is_not_taken_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def healthz(address: str) -> HTTPRouteHandler:
        @get(address, operation_id="getHealth", opt=open_to(None))
        async def health() -> str:
            return address

        return health

    for address in ("/healthz", "/health", "/healthz"):
        monkeypatch.setattr("api.app.healthz_handler", lambda address=address: healthz(address))
        with service_of(make_city(), tmp_path) as service:
            assert service.get(address).body.decode() == address
            assert [r.template for r in service.app.table.routes if "health" in r.template] == [
                address
            ]

"""What the edge answers by itself equals what the framework answers, byte for byte."""

import pytest

from tests.api.service import Reply, Service

PATHS = ["/v1/me/score", "/v1/rules", "/v1/benefits", "/v1/benefits?tag=x", "/v1/catalogue"]


def both_ways(service: Service, method: str, path: str, **headers: str) -> tuple[Reply, Reply]:
    token = headers.pop("token", service.signer.token("rich"))
    route = service.app.table.by_template[path.partition("?")[0]]
    direct = service.ask(method, path, token, headers)
    taken, route.direct = route.direct, {}
    try:
        return direct, service.ask(method, path, token, headers)
    finally:
        route.direct = taken


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("if_none_match", ["", '"20261120-0001.1"'])
def test_both_ways_give_the_same_answer(
    service: Service, method: str, path: str, if_none_match: str
) -> None:
    direct, framework = both_ways(service, method, path, if_none_match=if_none_match)
    assert (direct.status, direct.body) == (framework.status, framework.body)
    assert direct.headers == framework.headers


@pytest.mark.parametrize("name", ["stranger", "nonsense", "outside"])
def test_both_ways_give_the_same_refusal(service: Service, name: str) -> None:
    direct, framework = both_ways(service, "GET", "/v1/me/score", token=service.signer.token(name))
    assert direct.status == framework.status
    assert direct.headers == framework.headers
    assert {**direct.json(), "trace_id": ""} == {**framework.json(), "trace_id": ""}


def test_every_direct_answer_to_a_get_is_tried_here(service: Service) -> None:
    direct = {route.template for route in service.app.table.routes if "GET" in route.direct}
    assert direct == {path.partition("?")[0] for path in PATHS}

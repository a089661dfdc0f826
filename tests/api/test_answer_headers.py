"""What caches, browsers and machines read between the lines."""

import pytest

from tests.api.city import make_city
from tests.api.service import Service

PUBLIC = ["/v1/rules", "/v1/benefits", "/v1/benefits?tag=信易行", "/v1/catalogue", "/v1/notice"]
PUBLIC = [path.encode().decode("latin-1") for path in PUBLIC] + ["/schema/openapi.json"]
PRIVATE = ["/v1/me/score", "/v1/me/score/explanation", "/v1/me/enrolment"]


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_answer_may_be_kept_and_is_confirmed_by_its_etag(
    service: Service, path: str
) -> None:
    full = service.get(path)
    assert full.status == 200
    assert full.headers["cache-control"].startswith("public, max-age=60, stale-while-revalidate=")
    assert full.headers["access-control-allow-origin"] == "*"
    etag = full.headers["etag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        reply = service.get(path, if_none_match=known)
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["etag"] == etag
        assert reply.headers["cache-control"] == full.headers["cache-control"]
        assert "content-length" not in reply.headers
    assert service.get(path, if_none_match='"other"').body == full.body


def test_a_new_snapshot_has_a_new_etag_and_names_itself(fresh: Service) -> None:
    before = fresh.get("/v1/rules")
    fresh.reader.serve(make_city("20261121-0002"))
    after = fresh.get("/v1/rules", if_none_match=before.headers["etag"])
    assert after.status == 200
    assert after.headers["chengxin-snapshot"] == "20261121-0002"
    assert fresh.get("/v1/me/score", fresh.signer.token()).json()["snapshot"] == "20261121-0002"


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_private_may_be_stored_by_anyone(service: Service, path: str) -> None:
    good = service.get(path, service.signer.token("rich"))
    others = [
        service.get(path),
        service.get(path, service.signer.token(scope="staff")),
        service.get(path, service.signer.token("stranger")),
        service.get(path + "?cb=.png", service.signer.token()),
        service.ask("PUT", path),
        service.get(path + "/x.css", service.signer.token()),
    ]
    assert good.status == 200
    for reply in [good, *others]:
        assert reply.headers["cache-control"] == "private, no-store"
        assert "etag" not in reply.headers
        assert "access-control-allow-origin" not in reply.headers


def test_a_private_answer_is_never_304(service: Service) -> None:
    reply = service.get("/v1/me/score", service.signer.token("rich"), if_none_match="*")
    assert reply.status == 200


def test_a_public_refusal_is_not_kept(fresh: Service) -> None:
    fresh.reader.is_down = True
    for path in ("/v1/rules", "/v1/rules?x=1"):
        assert fresh.get(path).headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE, "/healthz", "/readyz"])
def test_head_is_get_without_the_body(service: Service, path: str) -> None:
    token = service.signer.token("rich")
    got, head = service.get(path, token), service.ask("HEAD", path, token)
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers == got.headers
    assert int(head.headers["content-length"]) == len(got.body)


def test_head_of_a_refusal_has_no_body_either(service: Service) -> None:
    reply = service.ask("HEAD", "/v1/me/score")
    assert (reply.status, reply.body) == (401, b"")


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE, "/healthz", "/readyz", "/metrics", "/nowhere"])
def test_every_answer_is_safe_to_open_and_names_no_server_version(
    service: Service, path: str
) -> None:
    reply = service.get(path, service.signer.token("rich"))
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["server"] == "chengxin"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    names = [name for name, _ in reply.pairs]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def test_readiness_names_what_is_served(service: Service) -> None:
    assert service.get("/readyz").json() == {
        "status": "ready",
        "snapshot": "20261120-0001",
        "as_of": "2026-11-20",
        "rules_version": "2026-01-01",
        "ledger_position": 0,
    }


def test_readiness_says_no_while_the_store_is_down_and_health_says_yes(fresh: Service) -> None:
    fresh.reader.is_down = True
    assert fresh.get("/readyz").code == "store_unavailable"
    assert fresh.get("/healthz").status == 200


def test_metrics_count_by_route_and_status_and_name_nobody(fresh: Service) -> None:
    token = fresh.signer.token("rich")
    for _ in range(3):
        fresh.get("/v1/me/score", token)
    fresh.get("/v1/me/score")
    text = fresh.get("/metrics").body.decode()
    lines = {line.split(",worker=")[0]: line for line in text.splitlines()}
    counted = lines['chengxin_http_requests_total{route="/v1/me/score",status="200"']
    assert counted.endswith(" 3")
    assert lines['chengxin_http_requests_total{route="/v1/me/score",status="401"'].endswith(" 1")
    assert "rich" not in text


def test_benefits_can_be_cut_to_one_scene(service: Service) -> None:
    path = "/v1/benefits?tag=信易阅".encode().decode("latin-1")
    assert [item["id"] for item in service.get(path).json()["items"]] == ["book"]
    assert service.get("/v1/benefits?tag=none").json()["items"] == []
    assert len(service.get("/v1/benefits").json()["items"]) == 2

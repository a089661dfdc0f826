"""Who may call what, written out by hand beside the code that decides it."""

import pytest

from tests.api.service import Service

PUBLIC, CITIZEN, STAFF = "public", "citizen", "staff:officer"
PARTNER = "eligibility consents"
FORM = "whoever proves itself in the form"
TABLE = {
    ("GET", "/v1/me/score"): CITIZEN,
    ("GET", "/v1/me/score/explanation"): CITIZEN,
    ("GET", "/v1/me/score/what-if"): CITIZEN,
    ("GET", "/v1/me/score/history"): CITIZEN,
    ("GET", "/v1/me/enrolment"): CITIZEN,
    ("POST", "/v1/me/enrolment"): CITIZEN,
    ("DELETE", "/v1/me/enrolment"): CITIZEN,
    ("GET", "/v1/me/enrolment/receipt"): CITIZEN,
    ("POST", "/v1/me/consents"): CITIZEN,
    ("GET", "/v1/me/consents"): CITIZEN,
    ("GET", "/v1/me/consents/{consent_id}"): CITIZEN,
    ("PATCH", "/v1/me/consents/{consent_id}"): CITIZEN,
    ("DELETE", "/v1/me/consents/{consent_id}"): CITIZEN,
    ("GET", "/v1/me/consents/{consent_id}/qr.svg"): CITIZEN,
    ("GET", "/v1/me/accesses"): CITIZEN,
    ("POST", "/v1/me/vouchers"): CITIZEN,
    ("GET", "/v1/me/events"): CITIZEN,
    ("GET", "/v1/me/events/{seq}/proof"): CITIZEN,
    ("GET", "/v1/me/disputes"): CITIZEN,
    ("POST", "/v1/me/disputes"): CITIZEN,
    ("GET", "/v1/me/reviews"): CITIZEN,
    ("POST", "/v1/me/reviews"): CITIZEN,
    ("GET", "/v1/me/repairs"): CITIZEN,
    ("POST", "/v1/me/repairs"): CITIZEN,
    ("PUT", "/v1/me/records/{record_id}/statement"): CITIZEN,
    ("GET", "/v1/me/export"): CITIZEN,
    ("GET", "/v1/admin/partners"): STAFF,
    ("GET", "/v1/staff/disputes"): STAFF,
    ("GET", "/v1/staff/disputes/{case_id}"): STAFF,
    ("POST", "/v1/staff/disputes/{case_id}/decision"): STAFF,
    ("POST", "/v1/staff/disputes/{case_id}/confirmation"): STAFF,
    ("GET", "/v1/staff/reviews"): STAFF,
    ("GET", "/v1/staff/reviews/{case_id}"): STAFF,
    ("POST", "/v1/staff/reviews/{case_id}/decision"): STAFF,
    ("GET", "/v1/staff/repairs"): STAFF,
    ("GET", "/v1/staff/repairs/{case_id}"): STAFF,
    ("POST", "/v1/staff/repairs/{case_id}/decision"): STAFF,
    ("POST", "/v1/staff/repairs/{case_id}/confirmation"): STAFF,
    ("GET", "/v1/stats/repair"): PUBLIC,
    ("GET", "/schema/export.json"): PUBLIC,
    ("POST", "/v1/eligibility"): PARTNER,
    ("POST", "/v1/eligibility/batch"): PARTNER,
    ("POST", "/v1/partner/attestations"): PARTNER,
    ("GET", "/v1/partner/consents/{handle}"): PARTNER,
    ("DELETE", "/v1/partner/consents/{handle}"): PARTNER,
    ("POST", "/oauth/token"): FORM,
    ("GET", "/.well-known/jwks.json"): PUBLIC,
    ("GET", "/.well-known/oauth-authorization-server"): PUBLIC,
    ("GET", "/v1/rules"): PUBLIC,
    ("GET", "/v1/benefits"): PUBLIC,
    ("GET", "/v1/catalogue"): PUBLIC,
    ("GET", "/v1/notice"): PUBLIC,
    ("GET", "/v1/notices"): PUBLIC,
    ("GET", "/v1/notices/{version}"): PUBLIC,
    ("GET", "/v1/log/heads"): PUBLIC,
    ("GET", "/v1/log/consistency"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/schema/openapi.json"): PUBLIC,
}
WITHOUT_PARAMETERS = {"/v1/notices/{version}": 404, "/v1/log/consistency": 400}
ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "PROPFIND")


def test_the_table_names_every_route_the_service_has(service: Service) -> None:
    routes = {
        (method, route.template)
        for route in service.app.table.routes
        for method in route.operations
        if method != "HEAD"
    }
    assert routes == set(TABLE)


@pytest.mark.parametrize(("method", "path"), TABLE, ids=lambda part: part)
def test_a_route_answers_exactly_whom_the_table_names(
    service: Service, method: str, path: str
) -> None:
    body = [b'{"notice_version":"0"}'] if method == "POST" else [b""]
    json_type = {"content-type": "application/json"}

    def status(token: str | None) -> int:
        return service.ask(method, path, token, json_type, body).status

    if TABLE[method, path] == PUBLIC:
        assert status(None) == status("not even a token") == WITHOUT_PARAMETERS.get(path, 200)
    elif TABLE[method, path] == FORM:
        assert status(None) == status("not even a token") == 415
    elif TABLE[method, path] == PARTNER:
        assert status(None) == 401
        assert status(service.signer.token("rich")) == 403
        assert status(service.signer.token("rich", scope=f"citizen {PARTNER}")) == 403
        assert status(service.partner_token()) not in (401, 403)
    elif TABLE[method, path] == STAFF:
        assert status(None) == 401
        assert status(service.signer.token("rich")) == 403
        assert status(service.signer.token(sub="officer-1", scope="staff")) == 403
        assert status(service.signer.token(sub="officer-1", scope="staff:else")) == 403
        assert status(service.partner_token()) == 403
        assert status(service.signer.token(sub="officer-1", scope=STAFF)) not in (401, 403)
    else:
        assert status(None) == 401
        assert status(service.signer.token(scope="staff")) == 403
        assert status(service.partner_token()) == 403
        assert status(service.signer.token(scope=...)) == 403
        assert status(service.signer.token("rich")) not in (401, 403)


@pytest.mark.parametrize("path", sorted({path for _, path in TABLE}))
def test_any_other_method_is_405_with_the_right_allow(service: Service, path: str) -> None:
    known = {method for method, known_path in TABLE if known_path == path}
    allowed = {*known, "OPTIONS"} | ({"HEAD"} if "GET" in known else set())
    for method in set(ALL_METHODS) - known:
        reply = service.ask(method, path)
        assert (reply.status, reply.code) == (405, "method_not_allowed"), method
        assert set(reply.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", sorted({path for _, path in TABLE}))
def test_options_names_the_methods_without_a_token(service: Service, path: str) -> None:
    reply = service.ask("OPTIONS", path, None, {"origin": "https://other.example"})
    assert (reply.status, reply.body) == (204, b"")
    assert "OPTIONS" in reply.headers["allow"]
    assert reply.headers["cache-control"] == "private, no-store"
    is_private = path.startswith("/v1/me/")
    assert ("access-control-allow-origin" in reply.headers) == (not is_private and path in CACHED)


CACHED = {
    "/v1/rules",
    "/v1/benefits",
    "/v1/catalogue",
    "/v1/notice",
    "/v1/notices",
    "/v1/notices/{version}",
    "/v1/log/heads",
    "/v1/log/consistency",
    "/v1/stats/repair",
    "/schema/openapi.json",
    "/schema/export.json",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/me/score/",
        "//v1/me/score",
        "/v1//me/score",
        "/v1/me/score/x.css",
        "/v1/me/score;.js",
        "/v1/me/%73core",
        "/v1/me%2fscore",
        "/v1/me/score%00",
        "/V1/me/score",
        "/v1/me/../me/score",
        "/schema",
        "/schema/raw/openapi.json",
        "/schema/raw",
        "/debug",
        "/%ff",
        "/v1/me/score%2f..%2f",
    ],
)
def test_an_address_outside_the_table_does_not_exist(service: Service, path: str) -> None:
    for token in (None, service.signer.token("rich")):
        reply = service.get(path, token)
        assert (reply.status, reply.code) == (404, "not_found")

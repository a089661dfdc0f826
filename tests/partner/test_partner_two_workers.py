"""Two real worker processes on one store and one ledger: what one of them knows, the other does."""

import datetime as dt
import http.client
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from api.commands.serve import server_command
from api.identity.tokens import issue_token
from api.signing_keys import SigningKey, make_signing_key, write_signing_key
from loadtest.key_set import key_set
from scoring.keys import key_files
from scoring.store.embedded import EmbeddedStore
from tests.api.service import AUDIENCE
from tests.partner.town import (
    ASSERTION_TYPE,
    BUS,
    ISSUER,
    POLICY_OF,
    publish_town,
    question,
    scores_of,
    subject_of,
    write_client_keys,
)
from tests.support.patient_worker import patient_command
from tests.support.ports import free_port
from tests.support.snapshots import SNAPSHOT_KEY
from tests.support.waiting import LONG_SECONDS

ROOT = Path(__file__).parents[2]
WORKERS = 2
BENEFIT = POLICY_OF[BUS]
TRIAL = "2025-07"  # the edition before a material change
AGREED_TO_TRIAL = [subject_of("over", n) for n in range(3, 8)]


class Served:
    def __init__(self, port: int, issuer: str, idp: SigningKey, partner: SigningKey) -> None:
        self.port = port
        self.issuer = issuer
        self._idp = idp
        self._partner = partner

    def ask(self, method: str, path: str, body: Any, token: str = "", **headers: str) -> Any:
        """A connection of its own, so that either worker may get it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG_SECONDS)
        headers = {"Content-Type": "application/json", **headers}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, str) else json.dumps(body)
        connection.request(method, path, data if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def metrics(self) -> str:
        """Of one of the workers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG_SECONDS)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def citizen(self, subject: str) -> str:
        return issue_token(
            self._idp,
            issuer=self.issuer,
            audience=AUDIENCE,
            sub=subject,
            scope="citizen",
            birthdate=dt.date(1990, 5, 1),
            now=int(time.time()),
            lifetime_seconds=600,
        )

    def assertion(self) -> str:
        now = int(time.time())
        claims = {"iss": "city-bus", "sub": "city-bus", "aud": ISSUER, "iat": now, "exp": now + 60}
        claims["jti"] = secrets.token_urlsafe(16)
        headers = {"kid": self._partner.kid}
        return jwt.encode(claims, self._partner.private_key, algorithm="ES256", headers=headers)

    def ask_token(self, assertion: str) -> Any:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/oauth/token", urlencode(form), **kind)

    def token(self) -> str:
        status, body = self.ask_token(self.assertion())
        assert status == 200, body
        return str(body["access_token"])

    def consent(self, citizen: str, uses: int = 100) -> Any:
        status, body = self.ask(
            "POST",
            "/v1/me/consents",
            {
                "partner": BUS,
                "policy": BENEFIT.id,
                "purpose": BENEFIT.purpose,
                "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 9e5)),
                "max_uses_per_day": uses,
            },
            citizen,
        )
        assert status == 201, body
        return body


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("workers")
    keys = key_files(data)
    keys.snapshot.parent.mkdir()
    keys.snapshot.write_text(SNAPSHOT_KEY.hex())
    write_signing_key(make_signing_key(), keys.api_signing)
    idp, partner = make_signing_key(), make_signing_key()
    write_client_keys(data, BUS, partner)
    with EmbeddedStore(data / "store") as store, key_set(idp) as issuer:
        publish_town(data, store, scores_of(3 + len(AGREED_TO_TRIAL)))
        enrol(data, *(subject_of("over", n) for n in range(3)))
        enrol(data, *AGREED_TO_TRIAL, notice_version=TRIAL)
        port = free_port()
        environment = {
            **os.environ,
            "CHENGXIN_DATA_DIR": str(data),
            "CHENGXIN_STORE_URL": store.url,
            "CHENGXIN_ISSUER": issuer,
            "CHENGXIN_AUDIENCE": AUDIENCE,
            "CHENGXIN_JWKS_URI": f"{issuer}/jwks.json",
            "CHENGXIN_API_ISSUER": ISSUER,
        }
        command = patient_command(server_command(host="127.0.0.1", port=port, workers=WORKERS))
        with (data / "server.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            running = Served(port, issuer, idp, partner)
            wait_until_ready(running, data / "server.log")
            yield running
        finally:
            process.terminate()
            process.wait(LONG_SECONDS)


def enrol(data: Path, *subjects: str, notice_version: str | None = None) -> None:
    import asyncio

    from api.ledger.enrolment import enrolled_draft
    from api.ledger.notice import load_notices
    from api.ledger.sqlite import ledger_path, open_ledger
    from tests.support.snapshots import AS_OF

    async def store() -> None:
        ledger = await open_ledger(ledger_path(data))
        notices, now = load_notices(), int(time.time() * 1_000)
        notice = notices.document(notice_version) if notice_version else notices.current(AS_OF)
        await ledger.append_many(
            [enrolled_draft(s, notice, secrets.token_hex(16), now) for s in subjects]
        )
        await ledger.close()

    asyncio.run(store())


def wait_until_ready(running: Served, log: Path) -> None:
    """Both workers: ten answers in a row."""
    deadline, ready = time.monotonic() + LONG_SECONDS, 0
    while ready < 10:
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2_000:]
        try:
            ready = ready + 1 if running.ask("GET", "/readyz", None)[0] == 200 else 0
        except OSError:
            ready = 0
        if not ready:
            time.sleep(0.1)


def test_of_fifty_copies_of_an_assertion_exactly_one_gets_a_token(served: Served) -> None:
    assertion = served.assertion()
    with ThreadPoolExecutor(16) as pool:
        statuses = [
            status for status, _ in pool.map(lambda _: served.ask_token(assertion), range(50))
        ]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 429}


def test_a_revoked_consent_opens_nothing_on_either_worker_a_second_later(served: Served) -> None:
    citizen, token = served.citizen(subject_of("over", 0)), served.token()
    for _ in range(3):
        consent = served.consent(citizen)
        asked = question(consent["handle"], BUS)

        def answers(count: int, asked: Any = asked) -> set[Any]:
            with ThreadPoolExecutor(8) as pool:
                found = pool.map(
                    lambda _: served.ask("POST", "/v1/eligibility", asked, token), range(count)
                )
                return {(status, body.get("eligible"), body.get("code")) for status, body in found}

        assert answers(20) == {(200, True, None)}
        status, _ = served.ask("DELETE", f"/v1/me/consents/{consent['id']}", None, citizen)
        assert status in (200, 204)
        assert answers(40) == {(403, None, "consent_revoked")}


def test_the_uses_of_a_consent_are_counted_over_both_workers(served: Served) -> None:
    consent = served.consent(served.citizen(subject_of("over", 1)), uses=10)
    token, asked = served.token(), question(consent["handle"], BUS)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: served.ask("POST", "/v1/eligibility", asked, token), range(40))
        statuses = [status for status, _ in found]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 30


def test_a_key_stands_for_one_decision_on_both_workers(served: Served) -> None:
    consent = served.consent(served.citizen(subject_of("over", 2)), uses=2)
    token, asked = served.token(), question(consent["handle"], BUS)

    def repeated(_: int) -> Any:
        header = {"Idempotency-Key": "both-workers"}
        return served.ask("POST", "/v1/eligibility", asked, token, **header)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(repeated, range(40)))
    assert {status for status, _ in found} <= {200, 409}
    answers = {body["decision_id"] for status, body in found if status == 200}
    assert len(answers) == 1
    # One of two uses is left, whichever worker is asked.
    statuses = [served.ask("POST", "/v1/eligibility", asked, token)[0] for _ in range(4)]
    assert statuses == [200, 429, 429, 429]
    assert repeated(0)[1]["decision_id"] in answers


def test_who_agrees_to_the_new_notice_has_her_score_back_on_both_workers_within_a_second(
    served: Served,
) -> None:
    current = served.ask("GET", "/v1/notice", None)[1]["version"]
    took = []
    for subject in AGREED_TO_TRIAL:
        citizen = served.citizen(subject)

        def seen(_: int, citizen: str = citizen) -> tuple[int, str | None]:
            status, body = served.ask("GET", "/v1/me/score", None, citizen)
            return status, body.get("code")

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(seen, range(16))) == {(409, "reconsent_required")}
            status, receipt = served.ask(
                "POST", "/v1/me/enrolment", {"notice_version": current}, citizen
            )
            assert (status, receipt["notice_version"]) == (201, current)
            began = time.monotonic()
            while seen(0) != (200, None) or set(pool.map(seen, range(40))) != {(200, None)}:
                assert time.monotonic() - began < LONG_SECONDS
            took.append(time.monotonic() - began)
    assert min(took) < 1.0

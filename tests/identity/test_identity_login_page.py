"""The page on which a persona is chosen."""

import re

import pytest
from litestar.testing import TestClient

from api.console.app import STATIC
from api.identity.config import ProviderConfig

from .conftest import REDIRECT_URI, Browser, Clock, page_id, returned


def test_the_page_lists_the_personas_that_hold_what_is_asked_for(browser: Browser) -> None:
    text = browser.authorize().text
    assert re.findall(r'name="persona" required value="([^"]+)"', text) == ["rich", "minor"]
    assert "记录较多的市民" in text
    assert "复核员" not in text


def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script(browser: Browser) -> None:
    response = browser.authorize()
    addresses = re.findall(r'(?:src|href|action)="([^"]+)"', response.text)
    assert addresses == ["/identity/login.css", "data:,", "/identity/authorize"]
    assert "<script" not in response.text
    assert "style=" not in response.text
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "form-action 'self' http://127.0.0.1:9000;" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_what_a_member_of_staff_may_do_is_said_in_words(browser: Browser) -> None:
    text = browser.authorize(
        client_id="desk",
        redirect_uri="http://127.0.0.1:9000/desk/?from=identity",
        scope="openid staff:reviewer",
    ).text
    assert '<span class="hint">案件复核</span>' in text
    assert "staff:" not in text


def test_the_page_looks_like_every_page_of_ours(browser: Browser) -> None:
    look = (STATIC / "shared" / "base.css").read_text()
    style = browser.http.get("/identity/login.css").text
    assert style.startswith(look)
    assert not re.search("#[0-9a-f]{6}", style.removeprefix(look))


def test_no_subject_or_birth_date_is_on_the_page(browser: Browser) -> None:
    text = browser.authorize().text
    assert "r" * 22 not in text
    assert "1980" not in text


def test_what_a_client_sends_is_never_markup(browser: Browser) -> None:
    text = browser.authorize(state='"><b>x', nonce="<i>").text
    assert "<b>" not in text
    assert "<i>" not in text


def test_state_comes_back_byte_for_byte(browser: Browser) -> None:
    state = "a b&c=d#é'\"<>\\/%"
    back = returned(browser.choose(page_id(browser.authorize(state=state))))
    assert back["state"] == state


def test_cancelling_tells_the_client_access_denied(browser: Browser) -> None:
    back = returned(browser.choose(page_id(browser.authorize()), decision="cancel"))
    assert (back["error"], back["state"]) == ("access_denied", "state-1")


def test_a_page_works_once(browser: Browser) -> None:
    page = page_id(browser.authorize())
    assert browser.choose(page).status_code == 303
    again = browser.choose(page)
    assert again.status_code == 400
    assert "已经使用过" in again.text
    assert "location" not in again.headers


def test_a_page_expires_after_ten_minutes(browser: Browser, clock: Clock) -> None:
    page = page_id(browser.authorize())
    clock.now += 600
    assert browser.choose(page).status_code == 400


@pytest.mark.parametrize("persona", ["reviewer", "nobody", ""])
def test_a_persona_not_on_the_page_cannot_be_chosen(browser: Browser, persona: str) -> None:
    back = returned(browser.choose(page_id(browser.authorize()), persona))
    assert back["error"] == "access_denied"


def test_a_form_posted_from_another_site_is_refused(browser: Browser, http: TestClient) -> None:
    form = {"page": page_id(browser.authorize()), "persona": "rich", "decision": "login"}
    for origin in ("https://evil.example", "null", REDIRECT_URI):
        answer = http.post("/identity/authorize", data=form, headers={"Origin": origin})
        assert answer.status_code == 400
        assert "location" not in answer.headers
    own = http.post("/identity/authorize", data=form, headers={"Origin": "http://127.0.0.1:9001"})
    assert own.status_code == 303


def test_unknown_paths_and_methods_are_plain_refusals(
    http: TestClient, config: ProviderConfig
) -> None:
    assert http.get("/identity/nothing").status_code == 404
    refused = http.delete("/identity/token")
    assert refused.status_code == 405
    assert "POST" in refused.headers["allow"]

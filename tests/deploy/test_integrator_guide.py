"""接入指南: every block of code on the page is run, in its order, against the real service."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.commands.demo.partners import private_key_file
from tests.deploy.conftest import Town

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "site" / "pages" / "integrators.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BUS, RIDE, PURPOSE = "city_bus", "xinyixing_ride_later", "xinyixing_pay_later"


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Path:
    """A partner's folder: the files the page tells it to keep."""
    token, ask, gate = blocks("python")
    (tmp_path / "partner_token.py").write_text(token)
    (tmp_path / "ask.py").write_text(ask)
    (tmp_path / "gate.py").write_text(gate)
    voucher = httpx.post(
        f"{town.service.url}/v1/me/vouchers", headers=town.bearer("rich"), json={"policy": RIDE}
    )
    assert voucher.status_code == 201, voucher.text
    (tmp_path / "voucher.txt").write_text(voucher.json()["token"])
    return tmp_path


def consent(town: Town, persona: str) -> str:
    asked = {"partner": BUS, "policy": RIDE, "purpose": PURPOSE, "max_uses_per_day": 20}
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=90)
    granted = httpx.post(
        f"{town.service.url}/v1/me/consents",
        headers=town.bearer(persona),
        json={**asked, "expires_at": until.isoformat()},
    )
    assert granted.status_code == 201, granted.text
    return str(granted.json()["handle"])


def run(town: Town, desk: Path, handle: str, *command: str) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "API": town.service.url,
        "CLIENT_ID": "city-bus",
        "KEY_FILE": str(private_key_file(town.road.data, BUS)),
        "CONSENT": handle,
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        command, cwd=desk, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the PATH")
def test_the_shell_examples_run(town: Town, desk: Path) -> None:
    ask, attest, verify = blocks("sh")
    handle = consent(town, "rich")
    assert '"eligible": true' in run(town, desk, handle, "bash", "-euo", "pipefail", "-c", ask)
    token = ask.splitlines()[0]
    attested = run(town, desk, handle, "bash", "-euo", "pipefail", "-c", f"{token}\n{attest}")
    assert '"ended_until":"2026-01-31"' in attested
    assert "accepted" in run(town, desk, handle, "bash", "-euo", "pipefail", "-c", verify)


def test_the_python_examples_run(town: Town, desk: Path) -> None:
    output = run(town, desk, consent(town, "rich"), sys.executable, "ask.py")
    assert output.splitlines() == ["先乘后付", "[True, True]"]
    alone = blocks("python")[1].partition("    several =")[0]
    revoked = run(town, desk, "A" * 22, sys.executable, "-c", alone)
    assert revoked.splitlines() == ["上车付费"]


def test_the_gate_example_opens_once_and_not_for_a_changed_voucher(town: Town, desk: Path) -> None:
    keys = httpx.get(f"{town.service.url}/.well-known/jwks.json")
    (desk / "keys.json").write_bytes(keys.content)
    assert run(town, desk, "", sys.executable, "gate.py").split() == ["True", "False", "False"]


def test_the_page_names_only_addresses_and_codes_that_exist(town: Town) -> None:
    from api.problems import PROBLEMS
    from api.vouchers.token import ENCODED_HEADER
    from scoring.benefits import load_benefits

    document = httpx.get(f"{town.service.url}/schema/openapi.json").json()
    for address in re.findall(r"\{?\$?\{?API\}?(/[a-z0-9_./-]+)", PAGE):
        assert address in document["paths"] or address == "/schema/openapi.json"
    assert ENCODED_HEADER.decode() in PAGE
    assert RIDE in {policy.id for policy in load_benefits().policies}
    statuses = {int(status) for status in re.findall(r"\b([45]\d\d)\b", PAGE)}
    assert statuses <= {kind.status for kind in PROBLEMS.values()}

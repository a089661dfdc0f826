"""`chengxin audit`: exit codes and words."""

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.audit import DEFAULT_ORIGIN
from api.ledger.audit import heads
from api.ledger.sqlite import ledger_path, open_ledger
from scoring.errors import StoreUnavailable, VerificationFailed
from scoring.keys import key_files
from scoring.signing import make_keypair
from tests.ledger.drafts import enrolled


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def fill() -> None:
        ledger = await open_ledger(ledger_path(tmp_path))
        await ledger.append_many([enrolled(n) for n in range(20)])
        await ledger.close()

    asyncio.run(fill())
    files = key_files(tmp_path)
    make_keypair(files.log, files.log_public)
    return tmp_path


def test_a_head_is_signed_verified_and_proved(data: Path) -> None:
    assert re.search(r"\.head: 20 events, root [0-9a-f]{64}", run("head", "--data", data))
    assert "20 events, 1 heads: all as signed" in run("verify", "--data", data)
    proof = data / "proof.json"
    proof.write_text(run("prove", 7, "--data", data))
    told = run("check", proof, "--key", key_files(data).log_public)
    assert told.startswith("event 7, enrolled, stands in the log")
    proof.write_text(run("prove", 20, "--since", 20, "--data", data))
    assert "20 events continues that of 20" in run("check", proof, "--data", data)


def test_a_changed_copy_fails_and_names_the_event(data: Path) -> None:
    run("head", "--data", data)
    connection = sqlite3.connect(ledger_path(data))
    connection.execute("DROP TRIGGER event_is_never_deleted")
    connection.execute("DELETE FROM event WHERE seq = 5")
    connection.commit()
    connection.execute("VACUUM INTO ?", (str(data / "copy.sqlite"),))
    connection.close()
    with pytest.raises(VerificationFailed, match=r"first broken index 4 \(event 5\)") as found:
        run("verify", "--data", data, "--ledger", data / "copy.sqlite")
    assert found.value.code == "log_broken"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["prove", "99"], "event_unknown"),
        (["prove", "20", "--since", "3"], "not_yet_signed"),
        (["check", "keys/log.pub.pem"], "proof_wrong"),
        (["verify", "--origin", "other.example/log"], "head_wrong"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(
    data: Path, arguments: list[str], code: str
) -> None:
    run("head", "--data", data)
    arguments = [str(data / a) if a.startswith("keys/") else a for a in arguments]
    with pytest.raises(VerificationFailed) as refused:
        run(*arguments, "--data", data)
    assert refused.value.code == code


def test_without_a_ledger_nothing_is_audited_and_none_is_made(data: Path) -> None:
    with pytest.raises(StoreUnavailable):
        run("verify", "--data", data, "--ledger", data / "none.sqlite")
    assert not (data / "none.sqlite").exists()


def test_the_commands_default_origin_is_the_logs() -> None:
    assert DEFAULT_ORIGIN == heads.DEFAULT_ORIGIN

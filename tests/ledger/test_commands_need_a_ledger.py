"""A command that reads the ledger says where there is none, and begins none in a wrong folder."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.keys import make_missing_keys
from scoring.errors import StoreUnavailable
from scoring.keys import key_files

COMMANDS = {
    "export": ["ledger", "export"],
    "retention": ["retention", "run"],
    "benefits": ["report", "benefits", "--month", "2026-10"],
    "decision": ["decision", "A" * 22],
    "propagation": ["propagation", "a-record"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("is_named", [False, True], ids=["of the folder", "by the variable"])
def test_no_ledger_is_an_answer_and_not_a_new_ledger(
    words: list[str], is_named: bool, tmp_path: Path
) -> None:
    make_missing_keys(key_files(tmp_path))
    place = tmp_path / "elsewhere" / "ledger.sqlite"
    variables = {"CHENGXIN_LEDGER_URL": f"sqlite:///{place}" if is_named else None}
    done = CliRunner().invoke(app, [*words, "--data", str(tmp_path)], env=variables)
    refusal = done.exception
    assert isinstance(refusal, StoreUnavailable), done.output
    assert (refusal.code, refusal.exit_code) == ("ledger_unavailable", 7)
    assert ("elsewhere" in refusal.where) is is_named or words[0] == "ledger"
    assert not (tmp_path / "ledger").exists()
    assert not place.parent.exists()

"""`chengxin audit`: exit codes and words."""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.audit import DEFAULT_ORIGIN
from api.ledger.audit import heads
from api.ledger.sqlite import ledger_path, open_ledger, prepare
from scoring.errors import InputRefused, StoreUnavailable, VerificationFailed
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
    assert re.match(r"event 7, enrolled, of 20.* UTC, stands in the log of 20 events", told)
    assert '"notice_version"' in told
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


def broken_head(change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(data: Path) -> None:
        (path,) = (data / "heads").glob("*.head")
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    return spoil


def removed(data: Path) -> None:
    for path in (data / "heads").glob("*.head"):
        path.unlink()


def with_anothers_key(data: Path) -> None:
    files = key_files(data)
    files.log.unlink()
    files.log_public.unlink()
    make_keypair(files.log, files.log_public)


def cut_to_twelve_events(data: Path) -> None:
    connection = sqlite3.connect(ledger_path(data))
    connection.execute("DROP TRIGGER event_is_never_deleted")
    connection.execute("DELETE FROM event WHERE seq > 12")
    connection.commit()
    connection.close()


def emptied(data: Path) -> None:
    for path in ledger_path(data).parent.iterdir():
        path.unlink()
    prepare(ledger_path(data))


def overwritten(data: Path) -> None:
    for path in ledger_path(data).parent.iterdir():
        path.unlink()
    ledger_path(data).write_text("no ledger at all, but long enough to look at\n" * 200)


def without_a_key(data: Path) -> None:
    key_files(data).log_public.unlink()


BROKEN = {
    "no head": (removed, "heads_missing", "no signed head in"),
    "a head cut off": (broken_head(lambda text: text[:60]), "head_wrong", "not a head"),
    "an empty head": (broken_head(lambda _: ""), "head_wrong", "not a head"),
    "a head of noise": (broken_head(lambda _: "\x00" * 400), "head_wrong", "not a head"),
    "a head without its signature": (
        broken_head(lambda text: text.partition("\n\n")[0] + "\n\n"),
        "head_wrong",
        "not signed with this key",
    ),
    "a head with another size": (
        broken_head(lambda text: text.replace("\n20\n", "\n21\n")),
        "head_wrong",
        "the signature does not belong",
    ),
    "another key": (with_anothers_key, "head_wrong", "not signed with this key"),
    "no key": (without_a_key, "key_unreadable", "log.pub.pem"),
    "a head newer than the log": (cut_to_twelve_events, "log_broken", "first broken index 12"),
    "a ledger without events": (emptied, "log_broken", "first broken index 0"),
    "a file that is no ledger": (overwritten, "log_broken", "unreadable"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_has_one_clear_error(data: Path, what: str) -> None:
    run("head", "--data", data)
    spoil, code, words = BROKEN[what]
    spoil(data)
    with pytest.raises(VerificationFailed, match=re.escape(words)) as found:
        run("verify", "--data", data)
    assert (found.value.code, found.value.exit_code) == (code, 5)
    assert len(str(found.value)) < 400


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00\xff", b'{"schema":"else"}', b"[]"])
def test_a_file_that_is_no_proof_is_an_input_error(data: Path, content: bytes | None) -> None:
    proof = data / "proof.json"
    if content is not None:
        proof.write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        run("check", proof, "--data", data)
    assert (refused.value.code, refused.value.exit_code) == ("proof_unreadable", 4)


def test_a_proof_is_not_believed_with_another_key(data: Path) -> None:
    run("head", "--data", data)
    proof = data / "proof.json"
    proof.write_text(run("prove", 7, "--data", data))
    with_anothers_key(data)
    with pytest.raises(VerificationFailed, match="not signed with this key") as refused:
        run("check", proof, "--data", data)
    assert refused.value.code == "proof_wrong"


def test_the_log_is_held_against_heads_that_somebody_else_kept(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever owns log, heads and key can rewrite them all; a head kept elsewhere tells."""
    run("head", "--data", data)
    elsewhere = tmp_path_factory.mktemp("kept")
    for path in (data / "heads").iterdir():
        shutil.copy(path, elsewhere)
    arguments = ("verify", "--data", data, "--heads", elsewhere)
    assert "1 heads: all as signed" in run(*arguments)
    removed(data)
    shutil.rmtree(data / "tree")
    cut_to_twelve_events(data)
    run("head", "--data", data)
    assert "12 events, 1 heads: all as signed" in run("verify", "--data", data)
    with pytest.raises(VerificationFailed, match="missing") as found:
        run(*arguments)
    assert found.value.code == "log_broken"


def test_heads_that_are_nowhere_are_told_apart_from_a_broken_log(data: Path) -> None:
    run("head", "--data", data)
    with pytest.raises(VerificationFailed) as found:
        run("verify", "--data", data, "--heads", data / "none")
    assert found.value.code == "heads_missing"


def test_a_ledger_without_a_head_is_not_called_whole(data: Path) -> None:
    with pytest.raises(VerificationFailed) as found:
        run("verify", "--data", data)
    assert found.value.code == "heads_missing"


def test_without_a_ledger_nothing_is_audited_and_none_is_made(data: Path) -> None:
    run("head", "--data", data)
    with pytest.raises(StoreUnavailable) as refused:
        run("verify", "--data", data, "--ledger", data / "none.sqlite")
    assert (refused.value.code, refused.value.exit_code) == ("ledger_unavailable", 7)
    assert not (data / "none.sqlite").exists()


def test_the_commands_default_origin_is_the_logs() -> None:
    assert DEFAULT_ORIGIN == heads.DEFAULT_ORIGIN

"""systemd units and scripts of `deploy/`: they parse, they are confined, they refuse bad input."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TIMERS = sorted((DEPLOY / "systemd").glob("*.timer"))
ANALYZE = shutil.which("systemd-analyze")
# systemd-analyze's own scale: 10 is unconfined, below 2 is "OK".
MOST_EXPOSURE = 2.0

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze on the PATH")


@needs_systemd
@pytest.mark.parametrize("unit", [*UNITS, *TIMERS], ids=lambda path: path.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    for source in [*UNITS, *TIMERS]:
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", source.read_text())
        (tmp_path / source.name).write_text(text)
    done = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", "--recursive-errors=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
    assert complaints == []


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_services_are_confined(unit: Path) -> None:
    done = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) < MOST_EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_and_scripts_call_commands_that_exist(unit: Path) -> None:
    from typer.main import get_command

    from api.commands import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    scripts = [unit, *(DEPLOY / "bin").iterdir()]
    for text in (path.read_text() for path in scripts):
        called = re.findall(r"^(?:ExecStart=\S*/)?chengxin (\w+)", text, re.MULTILINE)
        assert set(called) <= known


# prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), linux/prctl.h, Linux 6.3: what
# MemoryDenyWriteExecute asks of the kernel.
CONFINED = "import ctypes, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) and sys.exit(77)\n"
SERVICE = "import api.app, granian, uvloop, psycopg"
BATCH = "import polars; assert polars.DataFrame({'n': [1, 2]}).sum().item() == 3"


@pytest.mark.parametrize(
    ("unit", "program"), [("chengxin", SERVICE), ("chengxin-nightly", BATCH)], ids=["API", "batch"]
)
def test_what_units_start_needs_no_memory_that_becomes_code(unit: str, program: str) -> None:
    given = variables_of(DEPLOY / "systemd" / f"{unit}.service")
    done = subprocess.run(
        [sys.executable, "-c", CONFINED + program],
        env={**given, "PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this kernel cannot refuse executable memory (Linux 6.3)")
    assert done.returncode == 0, done.stderr


def variables_of(unit: Path) -> dict[str, str]:
    lines = re.findall(r"^Environment=(\S+)$", unit.read_text(), re.MULTILINE)
    return dict(line.split("=", 1) for line in lines)


def test_units_of_the_batch_are_given_the_same() -> None:
    light = {"chengxin", "chengxin-head"}
    of_batch = [variables_of(unit) for unit in UNITS if unit.stem not in light]
    assert all(given == of_batch[0] for given in of_batch)


def test_every_command_finds_store_and_ledger_where_the_service_does() -> None:
    """A command that asked another variable would work on the data directory's own, or on none."""
    from typer.main import get_command

    from api.commands import app

    def commands(command: Any) -> Iterator[Any]:
        for one in command.commands.values():
            yield from commands(one) if hasattr(one, "commands") else [one]

    variables = {"--store": "CHENGXIN_STORE_URL", "--ledger": "CHENGXIN_LEDGER_URL"}
    for command in commands(get_command(app)):
        for option in command.params:
            if option.opts[0] in variables:
                assert option.envvar == variables[option.opts[0]], (command.name, option.opts)


def test_a_timer_starts_only_what_comes_to_an_end() -> None:
    """Without --once the overlay runs for ever: systemd would kill it and call it failed."""
    text = (DEPLOY / "systemd" / "chengxin-overlay.service").read_text()
    assert "Type=oneshot" in text
    assert re.search(r"^ExecStart=.* overlay --data \S+ --once$", text, re.MULTILINE)


def test_every_timer_has_its_service() -> None:
    assert {t.stem for t in TIMERS} <= {u.stem for u in UNITS}


@pytest.mark.parametrize("script", sorted((DEPLOY / "bin").iterdir()), ids=lambda path: path.name)
def test_scripts_are_plain_shell_that_stops_at_the_first_failure(script: Path) -> None:
    text = script.read_text()
    assert text.startswith("#!/bin/sh\n")
    assert re.search(r"^set -eu$", text, re.MULTILINE)
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111


def write_policy(folder: Path, policy: str) -> subprocess.CompletedProcess[str]:
    (folder / "site").mkdir()
    (folder / "site" / "content-security-policy.txt").write_text(policy)
    command = [str(DEPLOY / "bin" / "site-policy"), str(folder / "site"), str(folder / "out.conf")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_policy_becomes_one_header(tmp_path: Path) -> None:
    policy = "default-src 'none'; script-src 'self' 'sha256-a+/=='"
    assert write_policy(tmp_path, policy + "\n").returncode == 0
    written = (tmp_path / "out.conf").read_text()
    assert written == f'add_header Content-Security-Policy "{policy}" always;\n'


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "script-src 'self'",
        "default-src 'none'; x\"; return 200",
        "default-src 'none'; $host",
        "default-src 'none'; a\nb",
        "default-src 'none'; {}",
    ],
)
def test_a_policy_that_could_end_the_directive_is_refused(tmp_path: Path, policy: str) -> None:
    assert write_policy(tmp_path, policy).returncode == 5
    assert not (tmp_path / "out.conf").exists()

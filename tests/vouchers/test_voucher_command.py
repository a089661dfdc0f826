"""`chengxin voucher verify` as a gate runs it: files, exit codes, no network."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from api.commands import app
from api.signing_keys import jwks_of, make_signing_key
from api.vouchers.token import Voucher, signed
from scoring.errors import ChengxinError

NOW = 1_795_305_600
KEY = make_signing_key()
VOUCHER = Voucher(audience="city_bus", exp=NOW + 120, jti="a" * 16, policy="xinyixing_ride_later")
TOKEN = signed(VOUCHER, KEY.private_key)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks_of(KEY)))
    return path


def gate(key: Path, token: str = TOKEN, **options: object) -> tuple[int, str]:
    """Exit code and stable code."""
    chosen = {"audience": "city_bus", "policy": "xinyixing_ride_later", "key": key, "at": NOW}
    words = [f"--{name}={value}" for name, value in {**chosen, **options}.items()]
    result = CliRunner().invoke(app, ["voucher", "verify", *words, "--", token])
    if isinstance(result.exception, ChengxinError):
        return result.exception.exit_code, result.exception.code
    return result.exit_code, result.output.strip()


def test_a_good_voucher_is_accepted(key_file: Path) -> None:
    assert gate(key_file) == (0, "accepted for 120 s more")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"audience": "city_parking"}, "voucher_for_another_partner"),
        ({"policy": "xinyixing_park_later"}, "voucher_for_another_policy"),
        ({"at": NOW + 120}, "voucher_expired"),
        ({"token": TOKEN[:-1]}, "voucher_malformed"),
        (
            {"token": TOKEN[:60] + ("A" if TOKEN[60] != "A" else "B") + TOKEN[61:]},
            "voucher_not_ours",
        ),
    ],
)
def test_every_refusal_is_exit_code_5(
    key_file: Path, options: dict[str, object], code: str
) -> None:
    assert gate(key_file, **options) == (5, code)  # type: ignore[arg-type]


def test_the_voucher_may_lie_in_a_file(key_file: Path, tmp_path: Path) -> None:
    scanned = tmp_path / "scanned.txt"
    scanned.write_text(TOKEN + "\n")
    assert gate(key_file, str(scanned))[0] == 0


def test_the_key_may_be_a_pem_file(tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    public = KEY.private_key.public_key()
    pem.write_bytes(
        public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    assert gate(pem)[0] == 0


def test_with_a_memory_the_second_use_is_refused(key_file: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.sqlite"
    assert gate(key_file, seen=seen)[0] == 0
    assert gate(key_file, seen=seen) == (5, "voucher_used")
    assert gate(key_file)[0] == 0  # another gate, without this memory


def test_a_refused_voucher_is_not_remembered_as_used(key_file: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.sqlite"
    assert gate(key_file, seen=seen, audience="city_parking")[0] == 5
    assert gate(key_file, seen=seen)[0] == 0


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys":[]}', b"-----BEGIN PUBLIC KEY-----\n"])
def test_an_unusable_key_file_is_exit_code_4(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert gate(path) == (4, "key_file_unusable")


def test_the_shell_sees_the_exit_code_and_the_reason(key_file: Path) -> None:
    command = [sys.executable, "-m", "api.commands", "voucher", "verify", TOKEN]
    command += ["--audience=city_bus", "--policy=xinyixing_ride_later", f"--key={key_file}"]
    done = subprocess.run(
        [*command, f"--at={NOW + 500}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.split()[0]) == (5, "voucher_expired")

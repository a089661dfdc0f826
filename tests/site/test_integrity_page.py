"""记录的完整性: signed heads on the site, as tables and as files that can be checked without us."""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from builder.integrity_page import signed_heads
from builder.sources import from_repository, with_heads
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from api.ledger.audit.heads import verify_head
from scoring.errors import VerificationFailed

from .conftest import AS_OF, BuiltSite, run_script, sign_log


def files_of(site: BuiltSite) -> Path:
    return site.folder / "integrity"


def test_every_head_of_the_last_days_is_a_file_of_its_own_bytes(built_site: BuiltSite) -> None:
    published = {path.name: path.read_bytes() for path in files_of(built_site).glob("*.head")}
    signed = {path.name: path.read_bytes() for path in (built_site.data / "heads").glob("*.head")}
    assert published == signed
    assert len(published) == 30


def test_the_page_names_each_head_and_the_newest_in_full(built_site: BuiltSite) -> None:
    page = built_site.page("integrity/index.html")
    names = set(re.findall(r'href="([0-9TZ]+\.head)"', page))
    assert names == {path.name for path in files_of(built_site).glob("*.head")}
    key = load_pem_public_key((files_of(built_site) / "log.pub.pem").read_bytes())
    head = verify_head((files_of(built_site) / max(names)).read_text(), key)  # type: ignore[arg-type]
    assert head.root.hex() in page
    assert "2026-11-22 12:00:00" in page
    assert page.count("<details") == 2
    assert "（13 个树头）" in page


def test_a_head_of_the_site_is_checked_with_the_systems_own_tools(
    built_site: BuiltSite, tmp_path: Path
) -> None:
    """Word for word as the page says."""
    if shutil.which("openssl") is None:
        pytest.skip("the page's commands need openssl, which is not installed")
    page = (Path(__file__).parents[2] / "site" / "pages" / "integrity.md").read_text("utf-8")
    block = re.search(r"```sh\n(head -n 5.*?)```", page, re.DOTALL)
    assert block is not None
    newest = max(files_of(built_site).glob("*.head"))
    for name, text in (("good", newest.read_text()), ("bad", newest.read_text())):
        (tmp_path / name).write_text(text if name == "good" else text.replace("\n30\n", "\n31\n"))
    shutil.copy(files_of(built_site) / "log.pub.pem", tmp_path)

    def told(name: str) -> str:
        script = block[1].replace("树头文件", name)
        done = subprocess.run(
            ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    assert "Signature Verified Successfully" in told("good")
    assert "Signature Verified Successfully" not in told("bad")


def test_the_key_for_witnesses_is_that_of_the_file(built_site: BuiltSite) -> None:
    signed = signed_heads(built_site.data)
    assert signed is not None
    name, number, encoded = signed.verifier_key.split("+", 2)
    key = load_pem_public_key((files_of(built_site) / "log.pub.pem").read_bytes())
    assert name == "chengxin.example/ledger"
    assert base64.b64decode(encoded) == b"\x01" + key.public_bytes_raw()  # type: ignore[union-attr]
    line = (files_of(built_site) / signed.heads[0].name).read_text().splitlines()[-1]
    assert base64.b64decode(line.split()[-1])[:4].hex() == number


def test_days_before_the_last_seven_are_left_to_the_service(tmp_path: Path) -> None:
    sign_log(tmp_path, 10, hours_apart=24)
    signed = signed_heads(tmp_path)
    assert signed is not None
    assert len(signed.heads) == 7


def test_before_the_first_head_the_page_says_so(tmp_path: Path) -> None:
    assert signed_heads(tmp_path) is None
    published = with_heads(from_repository(AS_OF), tmp_path)
    assert published.copies == from_repository(AS_OF).copies


def test_a_head_that_is_not_as_signed_is_never_published(tmp_path: Path) -> None:
    sign_log(tmp_path, 2)
    head = max((tmp_path / "heads").glob("*.head"))
    head.write_text(head.read_text().replace("\n2\n", "\n3\n"))
    with pytest.raises(VerificationFailed, match="head_wrong"):
        signed_heads(tmp_path)
    refused = run_script("build_pages.py", "--data", str(tmp_path), "--out", str(tmp_path / "s"))
    assert (refused.returncode, (tmp_path / "s").exists()) == (5, False)
    assert head.name in refused.stderr

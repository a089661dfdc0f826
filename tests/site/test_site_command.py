"""`chengxin site build | check`, and MkDocs by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands.site import app
from scoring.errors import VerificationFailed
from tests.site.conftest import AS_OF, ROOT, BuiltSite


def test_check_says_that_a_good_site_is_good(built_site: BuiltSite) -> None:
    arguments = ["check", "--site", str(built_site.folder), "--as-of", AS_OF.isoformat()]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.exception
    assert "nothing found" in result.stdout


def test_check_refuses_a_stale_site_and_names_the_page(built_site: BuiltSite) -> None:
    arguments = ["check", "--site", str(built_site.folder), "--as-of", "2026-12-31"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, VerificationFailed)
    assert "index.html: stale" in result.exception.what


def test_build_refuses_a_snapshot_without_documents(tmp_path: Path) -> None:
    arguments = ["build", "--snapshot", str(tmp_path), "--out", str(tmp_path / "site")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, VerificationFailed)
    assert "site_document_unreadable" in result.exception.what
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("module", ["site", "builder"])
def test_the_site_s_folder_never_hides_the_standard_library(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; print({module}.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(ROOT / "site") not in done.stdout


def test_mkdocs_by_itself_builds_strictly(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "--site-dir",
            str(tmp_path),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert (tmp_path / "rules" / "index.html").is_file()

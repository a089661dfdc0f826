"""Prints the site: pages filled with data, MkDocs run over them, the result put in place at once."""

import contextlib
import datetime as dt
import logging
import os
import shutil
import tempfile
import warnings
from pathlib import Path

from builder.fragments import all_fragments, fill
from builder.security_policy import POLICY_FILE, policy_of
from builder.sources import Published
from scoring.errors import InputRefused


def print_site(root: Path, published: Published, out: Path) -> None:
    """Builds into a folder beside `out` and renames it there: a build that fails leaves the old
    site as it was. Raises InputRefused with MkDocs' own words for any warning."""
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=out.parent) as folder:
        pages, site = Path(folder) / "pages", Path(folder) / "site"
        _fill_pages(root / "site" / "pages", pages, published)
        with contextlib.chdir(
            root
        ):  # the search plugin reads its words relative to the folder it is in
            _run_mkdocs(root / "mkdocs.yml", pages, site, published.as_of)
        (site / POLICY_FILE).write_text(policy_of(site) + "\n", "utf-8")
        _replace(site, out, Path(folder) / "old")


def _fill_pages(source: Path, target: Path, published: Published) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("generated"))
    fragments = all_fragments(published)
    for page in sorted(target.rglob("*.md")):
        page.write_text(fill(page.read_text("utf-8"), fragments, page.name), "utf-8")
    for name, content in published.copies.items():
        place = target / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)


def _run_mkdocs(config_file: Path, pages: Path, site: Path, as_of: dt.date) -> None:
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    # The sitemap's days come from here: same documents, same bytes.
    midnight = dt.datetime(as_of.year, as_of.month, as_of.day, tzinfo=dt.UTC)
    os.environ["SOURCE_DATE_EPOCH"] = str(int(midnight.timestamp()))
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    _quiet_segmenter()
    complaints = _Complaints()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(complaints)
    try:
        build(load_config(str(config_file), docs_dir=str(pages), site_dir=str(site), strict=True))
    except (MkDocsException, SystemExit) as error:
        what = "; ".join(complaints.messages) or str(error)
        raise InputRefused("site_build_refused", what, where=str(config_file)) from error
    finally:
        logger.removeHandler(complaints)


def _quiet_segmenter() -> None:
    """jieba speaks of its cache at every start and warns of an import that our pin keeps working."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _replace(new: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    new.rename(target)

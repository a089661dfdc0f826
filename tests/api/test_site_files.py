"""The static site: pages with the right headers, and nothing that is not a page."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.public.site_files import STRICT_POLICY as POLICY_BYTES
from tests.api.city import make_city
from tests.api.service import Service, service_of

STRICT_POLICY = POLICY_BYTES.decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web") / "site"


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Service]:
    root = folder.parent
    (folder / "rules").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / ".hidden").write_text("no")
    (folder / "index.html").write_text("<p>首页</p>", "utf-8")
    (folder / "404.html").write_text("<p>没有</p>", "utf-8")
    (folder / "rules" / "index.html").write_text("<p>规则</p>", "utf-8")
    (folder / "main.1a2b3c4d.min.js").write_text("1")
    (folder / "政策.html").write_text("<p>政策</p>", "utf-8")
    (root / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(root / "secret.txt")
    with service_of(make_city(), root, site_dir=folder) as service:
        yield service


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "首页"),
        ("/index.html", "首页"),
        ("/rules/", "规则"),
        ("/%E6%94%BF%E7%AD%96.html", "政策"),
        ("/?q=1", "首页"),
    ],
)
def test_a_page_is_served_with_its_type_and_a_policy(site: Service, path: str, text: str) -> None:
    reply = site.get(path, accept="text/html")
    assert reply.status == 200
    assert text in reply.body.decode()
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"].startswith("public, max-age=300")


def test_pages_have_the_policy_their_build_wrote_which_is_no_page(
    site: Service, folder: Path
) -> None:
    written = "default-src 'none'; script-src 'self' 'sha256-AAAA'"
    file = folder / "content-security-policy.txt"
    try:
        for text, sent in ((written, written), ("a\nb", STRICT_POLICY), ("词", STRICT_POLICY)):
            file.write_text(f"{text}\n", "utf-8")
            assert site.get("/").headers["content-security-policy"] == sent
            assert site.get("/nowhere/").headers["content-security-policy"] == sent
            assert site.get("/content-security-policy.txt").status == 404
    finally:
        file.unlink()
    assert site.get("/").headers["content-security-policy"] == STRICT_POLICY
    assert "unsafe" not in STRICT_POLICY


def test_a_page_is_confirmed_by_its_etag_and_head_has_no_body(site: Service) -> None:
    page = site.get("/")
    unchanged = site.get("/", if_none_match=page.headers["etag"])
    head = site.ask("HEAD", "/")
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert (head.status, head.body, head.headers) == (200, b"", page.headers)


@pytest.mark.parametrize("condition", ["W/{etag}", '"other", {etag}', "*"])
def test_a_page_is_confirmed_by_weak_tags_lists_and_a_star(site: Service, condition: str) -> None:
    etag = site.get("/").headers["etag"]
    assert site.get("/", if_none_match=condition.format(etag=etag)).status == 304


@pytest.mark.parametrize("path", ["/" + "a" * 256, "/rules/" + "%E6%94%BF" * 86, "/" + "a" * 1023])
def test_a_name_no_file_can_have_is_missing_and_no_fault(site: Service, path: str) -> None:
    reply = site.get(path)
    assert (reply.status, reply.body.decode()) == (404, "<p>没有</p>")


@pytest.mark.parametrize("path", ["/index.html/", "/main.1a2b3c4d.min.js/"])
def test_a_file_is_no_folder(site: Service, path: str) -> None:
    assert site.get(path).status == 404


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/me/score/", "/oauth/x", "/schema/x.json"])
def test_an_unknown_address_of_the_service_is_a_problem_and_not_a_page(
    site: Service, path: str
) -> None:
    for reply in (site.get(path, accept="text/html"), site.ask("POST", path)):
        assert (reply.status, reply.code) == (404, "not_found")


def test_a_file_with_a_digest_in_its_name_is_kept_for_ever(site: Service) -> None:
    reply = site.get("/main.1a2b3c4d.min.js")
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in reply.headers["content-type"]


def test_a_folder_without_slash_moves_to_the_one_with(site: Service) -> None:
    reply = site.get("/rules")
    assert (reply.status, reply.headers["location"]) == (308, "/rules/")


@pytest.mark.parametrize("path", ["//evil.example", "//rules", "/\\evil.example"])
def test_a_move_never_leaves_this_host(site: Service, path: str) -> None:
    location = site.get(path).headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith("//")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/empty/",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/rules/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/.hidden",
        "/rules/%00",
        "/%ff",
        "/link.txt",
        "/rules//index.html",
        "/" + "a" * 5_000,
        "/" + "a/" * 400,
    ],
)
def test_what_is_no_page_is_404_with_the_sites_own_page(site: Service, path: str) -> None:
    reply = site.get(path)
    assert reply.status == 404
    assert "没有" in reply.body.decode()
    assert reply.headers["cache-control"] == "no-store"


def test_a_page_can_only_be_read(site: Service) -> None:
    reply = site.ask("POST", "/")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD"


def test_the_interface_is_not_hidden_by_the_site(site: Service) -> None:
    assert site.get("/v1/rules").headers["content-type"] == "application/json"
    assert site.get("/v1/me/score").code == "token_refused"


def test_a_page_written_later_is_served_without_a_restart(site: Service, tmp_path: Path) -> None:
    folder = site.app.site.folder
    (folder / "new.html").write_text("<p>新</p>", "utf-8")
    assert site.get("/new.html").status == 200


@pytest.mark.parametrize("has_own_page", [True, False])
def test_a_page_that_goes_while_it_is_asked_for_is_missing_and_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_own_page: bool
) -> None:
    """A newer site is put in the place of the old one between the look and the reading."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "goes.html").write_text("<p>旧</p>", "utf-8")
    if has_own_page:
        (folder / "404.html").write_text("<p>没有</p>", "utf-8")
    is_file = Path.is_file

    def late(path: Path) -> bool:
        was_file = is_file(path)
        if path.name == "goes.html":
            path.unlink(missing_ok=True)
        return was_file

    with service_of(make_city(), tmp_path, site_dir=folder) as service:
        monkeypatch.setattr(Path, "is_file", late)
        reply = service.get("/goes.html", accept="text/html")
    assert reply.status == 404
    assert (reply.body.decode() == "<p>没有</p>") == has_own_page


def test_the_tag_of_a_page_is_of_the_content_that_comes_with_it(
    site: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another is put in its place while it is read."""
    page = folder / "changes.html"
    page.write_text("old")
    fstat = os.fstat

    def late(descriptor: int) -> os.stat_result:
        (folder / "newer").write_text("newer")
        (folder / "newer").rename(page)
        return fstat(descriptor)

    monkeypatch.setattr(os, "fstat", late)
    first = site.get("/changes.html")
    monkeypatch.undo()
    second = site.get("/changes.html")
    assert (first.body, second.body) == (b"old", b"newer")
    assert first.headers["etag"] != second.headers["etag"]

"""The static site from a folder: what the demo and small installations serve without nginx."""

import asyncio
import mimetypes
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from api.answers import SAFETY_HEADERS, Answer, Call, Header, answer_of
from api.problems import Problem
from api.responses import conditional

MAX_AGE_SECONDS = 300
# Names with a digest in them (main.1a2b3c4d.min.js) never change their content.
_DIGEST_NAME = re.compile(r"\.[0-9a-f]{8,64}\.")
# The build writes what its pages need, with the hash of each script inside a page; nginx sends the
# same file (deploy/). Pages without it run no script of their own.
POLICY_FILE = "content-security-policy.txt"
STRICT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'none'"
)
TEXT_TYPES = frozenset({"application/javascript", "text/javascript", "application/xml"})
# Addresses of the service, not of pages: who asks there reads problem details, not a page.
SERVICE_PREFIXES = (b"/v1/", b"/oauth/", b"/schema/", b"/.well-known/")
MAX_NAME_BYTES = 255  # of one part of a path, POSIX NAME_MAX: a longer one is an error, not a miss


class SiteFiles:
    """Looks a path up on each request, so that a rebuilt site is served without a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._policy_read = (-1, STRICT_POLICY)  # when the file was written, what it says

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem not_found, method_not_allowed."""
        if call.scope["raw_path"].startswith(SERVICE_PREFIXES):
            raise Problem("not_found")
        if call.scope["method"] not in ("GET", "HEAD"):
            raise Problem("method_not_allowed", headers=[(b"allow", b"GET, HEAD")])
        return conditional(await asyncio.to_thread(self._answer, call), call)

    def _answer(self, call: Call) -> Answer:
        path = self._path_of(call.scope["raw_path"])
        if path is None:
            return self._missing()
        is_folder = call.scope["raw_path"].endswith(b"/")
        if path.is_dir():
            if not is_folder:
                return _moved(call.scope["raw_path"] + b"/")
            path = path / "index.html"
        elif is_folder:
            return self._missing()
        if not path.is_file() or path == self.folder / POLICY_FILE:
            return self._missing()
        try:
            return self._file_answer(path)
        except FileNotFoundError:  # the site was replaced by a newer one since
            return self._missing()

    def _policy(self) -> bytes:
        """What the build wrote last; one header line."""
        path = self.folder / POLICY_FILE
        try:
            written_ns = path.stat().st_mtime_ns
            if written_ns != self._policy_read[0]:
                text = path.read_text("ascii").strip()
                self._policy_read = (written_ns, text.encode() if text.isprintable() else b"")
        except (OSError, UnicodeDecodeError):
            return STRICT_POLICY
        return self._policy_read[1] or STRICT_POLICY

    def _path_of(self, raw_path: bytes) -> Path | None:
        """None for anything that is not plainly below the folder: `..`, hidden names, links out."""
        try:
            text = unquote_to_bytes(raw_path).decode("utf-8")
        except UnicodeDecodeError:
            return None
        parts = text.strip("/").split("/") if text.strip("/") else []
        if not text.isprintable() or "\\" in text or len(text) > 1_024:
            return None
        if any(not part or part.startswith(".") or _is_too_long(part) for part in parts):
            return None
        path = self.folder.joinpath(*parts).resolve()
        return path if path.is_relative_to(self.folder) else None

    def _missing(self) -> Answer:
        try:
            page = (self.folder / "404.html").read_bytes()
        except OSError:
            raise Problem("not_found") from None
        headers = [(b"cache-control", b"no-store"), *self._headers("text/html; charset=utf-8")]
        return answer_of(404, headers, page)

    def _file_answer(self, path: Path) -> Answer:
        with path.open("rb") as file:  # the tag is of the very content, whatever is there by now
            status, content = os.fstat(file.fileno()), file.read()
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'.encode()
        is_fixed = _DIGEST_NAME.search(path.name) is not None
        cache = (
            b"public, max-age=31536000, immutable"
            if is_fixed
            else b"public, max-age=%d, stale-while-revalidate=3600" % MAX_AGE_SECONDS
        )
        headers = [(b"etag", etag), (b"cache-control", cache), *self._headers(_media_type(path))]
        return answer_of(200, headers, content)

    def _headers(self, media_type: str) -> list[Header]:
        return [
            (b"content-type", media_type.encode()),
            (b"content-security-policy", self._policy()),
            (b"referrer-policy", b"no-referrer"),
            *SAFETY_HEADERS,
        ]


def _is_too_long(part: str) -> bool:
    return len(part.encode()) > MAX_NAME_BYTES


def _media_type(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in TEXT_TYPES
    return f"{kind}; charset=utf-8" if is_text else kind


def _moved(raw_path: bytes) -> Answer:
    """To the same path with a slash. The path begins with exactly one slash here, so the place is
    on this host whatever the client sent."""
    location = b"/" + raw_path.lstrip(b"/")
    headers = [(b"location", location), (b"cache-control", b"no-store"), *SAFETY_HEADERS]
    return answer_of(308, headers, b"")

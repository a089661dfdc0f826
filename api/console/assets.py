"""Static files held in memory with their headers: a fixed table, so no path ever leaves it."""

import hashlib
from pathlib import Path

import msgspec

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """`etag`: strong, from the content."""

    content: bytes
    media_type: str
    etag: str


def asset_of(content: bytes, suffix: str) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:32]
    return Asset(content=content, media_type=MEDIA_TYPES[suffix], etag=f'"{digest}"')


def assets_below(folder: Path, prefix: str) -> dict[str, Asset]:
    """URL path to asset for each file of `folder`; `index.html` stands at the prefix itself."""
    found = {}
    for path in sorted(folder.iterdir()):
        name = "" if path.name == "index.html" else path.name
        found[prefix + name] = asset_of(path.read_bytes(), path.suffix)
    return found

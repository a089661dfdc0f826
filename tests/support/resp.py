"""A snapshot's RESP parts as the hashes they become in a store."""

from pathlib import Path

import hiredis


def stored_hashes(folder: Path) -> dict[str, dict[bytes, bytes]]:
    hashes: dict[str, dict[bytes, bytes]] = {}
    reader = hiredis.Reader()
    for path in sorted(folder.glob("records-*.resp")):
        reader.feed(path.read_bytes())
        while (command := reader.gets()) is not False:
            _, key, *pairs = command
            hashes[key.decode()] = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return hashes

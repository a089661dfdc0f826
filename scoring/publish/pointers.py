"""Who may publish, which versions the store holds, and which of them is served.

One publisher at a time holds the pen: the identity of its connection. Whether a pen is held is
asked of the store, which knows its connections, so that a killed publisher holds nothing and
nobody waits for a lease to run out; a publisher whose connection broke cannot flip any more.
"""

import contextlib
import time
from collections.abc import Iterator

import msgspec

from scoring.contract.snapshot import (
    CURRENT_KEY,
    NEXT_KEY,
    PUBLISHER_KEY,
    ROLLBACK_KEY,
    VERSIONS_KEY,
    Manifest,
    StoredVersion,
    decode_stored_version,
    manifest_key,
)
from scoring.errors import ChengxinError, PublishLost, StoreUnavailable
from scoring.publish import scripts
from scoring.store.connection import StoreConnection

# A killed publisher's connection lives until the store has read what it had still sent: a socket
# buffer of commands, some milliseconds.
PATIENCE_SECONDS = 0.5

_LOST = {
    "fenced": "another publisher has taken over",
    "moved": "another publisher or a rollback moved the pointer first",
    "restaged": "another publisher staged its own version",
    "incomplete": "the version is not complete in the store",
    "present": "the version is still in the store",
    "served": "the version is being served",
    "taken": "another publisher started in the same moment",
}


def run(store: StoreConnection, script: str, keys: list[str], *arguments: str) -> None:
    """Raises PublishLost for every answer but `ok`."""
    answer = store.call("EVAL", script, len(keys), *keys, *arguments).decode()
    if answer != "ok":
        raise PublishLost(
            f"publish_{answer}", _LOST[answer], do="look at what is served now, then decide again"
        )


def served_id(store: StoreConnection) -> str | None:
    value = store.call("GET", CURRENT_KEY)
    return value.decode() if value is not None else None


def manifest_in(store: StoreConnection, snapshot: str) -> Manifest | None:
    body = store.call("GET", manifest_key(snapshot))
    return msgspec.json.decode(body, type=Manifest) if body is not None else None


def versions_in(store: StoreConnection) -> dict[str, StoredVersion]:
    """Every snapshot that has a key in the store, by id."""
    reply = store.call("HGETALL", VERSIONS_KEY)
    return {
        name.decode(): decode_stored_version(value)
        for name, value in zip(reply[::2], reply[1::2], strict=True)
    }


@contextlib.contextmanager
def held_pen(store: StoreConnection) -> Iterator[str]:
    """The right to publish and prune. Raises PublishLost while another connection has it."""
    pen = _take_pen(store)
    try:
        yield pen
    finally:
        with contextlib.suppress(StoreUnavailable):  # a broken connection has no pen to lay down
            run(store, scripts.LAY_DOWN_PEN, [PUBLISHER_KEY], pen)


def _take_pen(store: StoreConnection) -> str:
    run_id = _run_id(store)
    pen = f"{run_id}:{store.call('CLIENT', 'ID')}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (before := _holder(store)) and _is_alive(store, before, run_id):
        if time.monotonic() > deadline:
            raise PublishLost(
                "publisher_at_work",
                "another publisher is at work",
                do="wait until it has ended; a killed one needs no wait",
            )
        time.sleep(0.02)
    run(store, scripts.TAKE_PEN, [PUBLISHER_KEY], before, pen)
    return pen


def _holder(store: StoreConnection) -> str:
    held = store.call("GET", PUBLISHER_KEY)
    return held.decode() if held is not None else ""


def _run_id(store: StoreConnection) -> str:
    """Changes with every start of the server, after which connections are numbered anew."""
    for line in store.call("INFO", "server").decode().splitlines():
        if line.startswith("run_id:"):
            return str(line.removeprefix("run_id:"))
    raise ChengxinError("store_without_run_id", "the store does not tell its run id")


def _is_alive(store: StoreConnection, pen: str, run_id: str) -> bool:
    pen_run_id, _, client_id = pen.partition(":")
    return pen_run_id == run_id and bool(store.call("CLIENT", "LIST", "ID", client_id))


def stage(store: StoreConnection, pen: str, manifest: Manifest) -> None:
    """Register the version before its first key exists."""
    run(
        store,
        scripts.STAGE,
        [],
        pen,
        manifest.snapshot,
        str(manifest.bucket_count),
        str(manifest.ledger_position),
    )


def flip(store: StoreConnection, pen: str, snapshot: str, expected: str | None) -> None:
    """Serve `snapshot` instead of `expected`. Works in a full store. Raises PublishLost."""
    run(store, scripts.FLIP, [], pen, snapshot, expected or "")


def condemn(store: StoreConnection, pen: str, snapshot: str) -> None:
    """First step of removing a version: nobody can return to it. Raises PublishLost if served."""
    run(store, scripts.CONDEMN, [], pen, snapshot)


def rollback(store: StoreConnection) -> tuple[str, str]:
    """Serve the version before this one; needs no pen and works in a full store.

    Returns (id served until now, id served from now on). Raises ChengxinError where none is kept.
    """
    served = served_id(store)
    target = store.call("GET", ROLLBACK_KEY)
    if target is None or served is None:
        raise ChengxinError(
            "nothing_to_roll_back_to",
            "the store keeps no older version",
            do="publish an older snapshot from its files",
        )
    run(store, scripts.ROLLBACK, [], target.decode())
    return served, target.decode()


def clear_stage(store: StoreConnection) -> None:
    store.call("UNLINK", NEXT_KEY)

"""While the demo runs: what is served is remembered, and a store that died comes back with it.

The embedded store keeps nothing, so that whoever starts it has to publish again; in service that is
the operator, with `chengxin publish`.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from api.commands.demo.city import DemoState, with_snapshot
from api.commands.demo.heads import HourlyHeads
from api.commands.demo.processes import Child
from api.ledger.protocol import LedgerError
from scoring.errors import StoreUnavailable
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore


class Watch:
    """`look` is called about once a second."""

    def __init__(
        self,
        data: Path,
        state: DemoState,
        store: EmbeddedStore,
        children: Sequence[Child],
        overlay: Child,
    ) -> None:
        self._data = data
        self._state = state
        self._store = store
        self._children = children
        self._overlay = overlay  # may be killed and begin again at any moment
        self._heads = HourlyHeads(data)
        self._console = Console(stderr=True)

    def look(self) -> None:
        """Raises StoreUnavailable where a process ended that cannot be started again."""
        for child in self._children:
            if child.process.poll() is not None:
                raise StoreUnavailable(
                    "child_ended",
                    f"{child.name} has ended",
                    where=str(child.log),
                    do="read the last lines of that log, then start the demo again",
                )
        self._overlay.revive()
        with contextlib.suppress(LedgerError):  # its own alarm is the service's 503
            self._heads.look()
        if self._store.is_running:
            with contextlib.suppress(StoreUnavailable):  # it may die at any moment
                self._remember()
        else:
            self._console.print("the store has ended; starting it again and publishing")
            self._store.restart()
            publish_snapshot(self._data, self._state.snapshot, self._store.url)

    def _remember(self) -> None:
        from scoring.publish.pointers import served_id

        with StoreConnection.open(self._store.url) as connection:
            served = served_id(connection)
        if served is not None and served != self._state.snapshot:
            self._state = with_snapshot(self._data, self._state, served)


def publish_snapshot(data: Path, snapshot: str, store_url: str) -> None:
    from scoring.keys import key_files
    from scoring.publish.publish import publish
    from scoring.signing import read_verifying_key

    with StoreConnection.open(store_url) as connection:
        public_key = read_verifying_key(key_files(data).signing_public)
        publish(data / "snapshots" / snapshot, connection, public_key)

"""One round: what has happened since the last one, rebuilt and laid over the served version."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoring.contract.snapshot import Manifest
from scoring.overlay.changes import LedgerChanges
from scoring.overlay.journal import note
from scoring.overlay.lay import lay, position_laid
from scoring.overlay.rebuild import OverlaidCitizen, rebuilt
from scoring.overlay.served import ServedInputs, served_inputs
from scoring.publish.pointers import manifest_in, served_id
from scoring.store.connection import StoreConnection

log = logging.getLogger("chengxin.overlay")

ChangesAfter = Callable[[int], LedgerChanges]


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """`citizens` changed over `snapshot`, up to the ledger's `position`; `is_moved`: another
    snapshot is served meanwhile, and the next round is for that one."""

    snapshot: str
    position: int
    citizens: int
    is_moved: bool = False


class Overlay:
    """`changes_after(position)`: the ledger's state now, of citizens with events after it."""

    def __init__(
        self,
        *,
        lake: Path,
        snapshots: Path,
        snapshot_key: bytes,
        public_key: Ed25519PublicKey,
        changes_after: ChangesAfter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: Unix seconds."""
        self._clock = clock
        self._overlays = snapshots.with_name("overlays")
        self._lake = lake
        self._snapshots = snapshots
        self._snapshot_key = snapshot_key
        self._public_key = public_key
        self._changes_after = changes_after
        self._served: ServedInputs | None = None

    def round(self, store: StoreConnection) -> Laid | None:
        """None where nothing is served yet. Raises StoreUnavailable, VerificationFailed, and what
        `changes_after` raises; the version served is whole in any case."""
        snapshot = served_id(store)
        manifest = manifest_in(store, snapshot) if snapshot else None
        if manifest is None:
            return None
        laid = position_laid(store, manifest.snapshot)
        changes = self._changes_after(manifest.ledger_position if laid is None else laid)
        if changes.changed.is_empty():
            is_served = lay(store, manifest.snapshot, changes.position, [])
            return _laid(manifest, changes, 0, is_served)
        citizens = rebuilt(self._inputs(manifest), changes, self._snapshot_key)
        self._note(manifest.snapshot, changes.position, citizens)
        is_served = lay(store, manifest.snapshot, changes.position, citizens)
        return _laid(manifest, changes, len(citizens), is_served)

    def _note(self, snapshot: str, position: int, citizens: Sequence[OverlaidCitizen]) -> None:
        """A full disk does not keep a disputed record counting: it is laid all the same."""
        at_ms = int(self._clock() * 1_000)
        try:
            note(self._overlays, snapshot, position, citizens, at_ms=at_ms)
        except OSError as error:
            log.error("overlay: decisions of now cannot be repeated later: %s", error.strerror)

    def _inputs(self, manifest: Manifest) -> ServedInputs:
        if self._served is None or self._served.manifest != manifest:
            self._served = served_inputs(manifest, self._snapshots, self._lake, self._public_key)
        return self._served


def _laid(manifest: Manifest, changes: LedgerChanges, citizens: int, is_served: bool) -> Laid:
    return Laid(
        snapshot=manifest.snapshot,
        position=changes.position,
        citizens=citizens,
        is_moved=not is_served,
    )

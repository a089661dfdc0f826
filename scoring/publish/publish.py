"""One publish from files to flip; killed anywhere, it leaves the old version served."""

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import Literal, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoring.contract.snapshot import Manifest
from scoring.errors import ChengxinError, GateRefused, PublishLost
from scoring.publish import pointers
from scoring.publish.gates import GateLimits, check_gates, read_limits
from scoring.publish.load import complete, load
from scoring.publish.prune import Pruned, prune_held, remove, wait_for_readers
from scoring.publish.read_back import read_back
from scoring.publish.served import forget_served, tell_served
from scoring.publish.verify import VerifiedSnapshot, verify
from scoring.store.connection import StoreConnection


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """`outcome` is `already_served` where the same snapshot is current: nothing was done. `is_told`:
    workers that start without the store find its name beside the snapshots."""

    outcome: Literal["flipped", "already_served"]
    snapshot: str
    before: str | None
    pruned: Pruned | None
    is_told: bool = True


class Steps(Protocol):
    """Told where a publish is. `total`: bytes to load or to read back, 0 where a step is short."""

    def enter(self, step: str, total: int) -> None: ...

    def advance(self, done: int) -> None: ...


class _Silent:
    def enter(self, step: str, total: int) -> None: ...

    def advance(self, done: int) -> None: ...


def publish(
    snapshot_dir: Path,
    store: StoreConnection,
    public_key: Ed25519PublicKey,
    *,
    limits: GateLimits | None = None,
    accepted: Collection[str] = (),
    steps: Steps | None = None,
) -> Published:
    """Verify, load, read back and serve a snapshot.

    Raises VerificationFailed, GateRefused, StoreUnavailable, or PublishLost where somebody else
    moved the pointer after this call began; in all cases the served version is untouched.
    """
    steps = steps or _Silent()
    expected = pointers.served_id(store)
    steps.enter("verify", 0)
    snapshot = verify(snapshot_dir, public_key)
    with pointers.held_pen(store) as pen:
        if pointers.served_id(store) != expected:
            raise PublishLost(
                "publish_moved", "another publisher moved the pointer first", do="decide again"
            )
        served = pointers.manifest_in(store, expected) if expected else None
        if served is not None and expected == snapshot.manifest.snapshot:
            done = _already_served(snapshot, served)
            is_told = tell_served(snapshot_dir.parent, store)
            return msgspec.structs.replace(done, is_told=is_told)
        steps.enter("gates", 0)
        check_gates(snapshot, served, limits or read_limits(), accepted)
        _flip_in(store, pen, snapshot, expected, steps=steps, snapshots=snapshot_dir.parent)
        is_told = tell_served(snapshot_dir.parent, store)
        steps.enter("prune", 0)
        pruned = prune_held(store, pen, is_waiting=False)
    return Published(
        outcome="flipped",
        snapshot=snapshot.manifest.snapshot,
        before=expected,
        pruned=pruned,
        is_told=is_told,
    )


def _already_served(snapshot: VerifiedSnapshot, served: Manifest) -> Published:
    if snapshot.manifest != served:
        raise GateRefused(
            "same_name",
            "another snapshot of this name is being served",
            where=snapshot.manifest.snapshot,
            do="build again under a new name",
        )
    name = snapshot.manifest.snapshot
    return Published(outcome="already_served", snapshot=name, before=name, pruned=None)


def _flip_in(
    store: StoreConnection,
    pen: str,
    snapshot: VerifiedSnapshot,
    expected: str | None,
    *,
    steps: Steps,
    snapshots: Path,
) -> None:
    manifest = snapshot.manifest
    steps.enter("tidy", 0)
    _tidy(store, pen, manifest.snapshot)
    pointers.stage(store, pen, manifest)
    try:
        total = sum(file.part.size_bytes for file in snapshot.files)
        steps.enter("load", total)
        load(store, snapshot, steps.advance)
        steps.enter("read back", total)
        read_back(store, snapshot, steps.advance)
        steps.enter("complete", 0)
        complete(store, snapshot)
        steps.enter("flip", 0)
        forget_served(snapshots)
        pointers.flip(store, pen, manifest.snapshot, expected)
    except BaseException:
        _withdraw(store, manifest)
        raise


def _tidy(store: StoreConnection, pen: str, snapshot: str) -> None:
    """Leftovers of killed publishers, versions above the two kept, an older load of this one."""
    pointers.clear_stage(store)
    prune_held(store, pen, is_waiting=False)
    before = pointers.versions_in(store).get(snapshot)
    if before is not None:
        wait_for_readers(store, before)
        remove(store, pen, snapshot, before.bucket_count)


def _withdraw(store: StoreConnection, manifest: Manifest) -> None:
    """Best effort on a connection of its own, for this one may be full of unread replies; what
    stays is found by the next run."""
    store.close()
    with (
        contextlib.suppress(ChengxinError),
        StoreConnection(store.address) as fresh,
        pointers.held_pen(fresh) as pen,
    ):
        pointers.clear_stage(fresh)
        remove(fresh, pen, manifest.snapshot, manifest.bucket_count)

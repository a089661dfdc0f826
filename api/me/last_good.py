"""The last good snapshot while the store is down: served from its files, and said to be stale.

Which one: the one this worker last served from the store; after a start without the store, the one
that the publisher's file names. For whom: only for those of whom the ledger knows nothing newer
than the snapshot, heard within the last second. A citizen who left is not enrolled at once; one who
agreed anew keeps her record; one whose record is disputed, repaired or back gets no answer rather
than an old one. Partners get no answer at all: they would act on it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.ledger.changes import Accepted, ChangesNotKnown, ChangesSince
from api.ledger.following import Follower
from api.ledger.protocol import Ledger
from api.me.records import ENROLLED_MARK
from api.metrics import Metrics
from api.store.copies import CopyRefused, SnapshotCopy, open_copy
from api.store.protocol import SnapshotReader, Stored, StoredLife, StoreDown, Version
from scoring.contract.lookup import Sort
from scoring.contract.served import told_as_served
from scoring.contract.snapshot import Manifest, enrolled_mark, withdrawn_mark
from scoring.errors import VerificationFailed
from scoring.signing import read_verifying_key

log = logging.getLogger("chengxin.last_good")

_HARMLESS = ("copy_missing", "copy_without_lookup")  # elsewhere, or of before
_SILENT = "the store is down and the ledger has not been heard"
_TOO_OLD = "the store is down and the copy too old for this citizen"
AGAIN_SECONDS = 10.0  # a folder that comes later, or is put right


class LastGood:
    """One for each worker process. `snapshots`: their folders; `key_file`: whose signature they
    bear; `named`: snapshot subject of a subject. Its answers are counted in `metrics`."""

    def __init__(
        self,
        reader: SnapshotReader,
        *,
        snapshots: Path,
        key_file: Path,
        named: Callable[[str], str],
        metrics: Metrics,
    ) -> None:
        self._reader = reader
        self._snapshots = snapshots
        self._key_file = key_file
        self._named = named
        self._metrics = metrics
        self._changes: ChangesSince | None = None
        self._version: Version | None = None  # of `_copy`
        self._copy: SnapshotCopy | None = None
        self._refused: tuple[str, str] | None = None  # snapshot and why, said once
        self._again_at = 0.0
        self._follower = Follower(self._look_once, "last good copy waits", log)

    # answers

    def hot(self, snapshot_subject: str) -> tuple[Version, Stored]:
        """As a reader's `hot`, of the version that comes with it. Raises StoreDown."""
        version, copy, mark = self._known_of(snapshot_subject)
        stored = _stored(self._read(copy, "hot", snapshot_subject), mark)
        self._metrics.stale_answers += 1
        return version, stored

    def life(
        self, snapshot_subject: str, what: Literal["explanation", "history"]
    ) -> tuple[Version, StoredLife]:
        """As a reader's `life`, of the version that comes with it. Raises StoreDown."""
        version, copy, mark = self._known_of(snapshot_subject)
        stored = _stored(self._read(copy, "hot", snapshot_subject), mark)
        beside = self._read(copy, what, snapshot_subject)
        self._metrics.stale_answers += 1
        return version, StoredLife(hot=stored, beside=beside, overlaid_position=None)

    def manifest(self) -> Manifest:
        """Of what could be served now without the store. Raises StoreDown."""
        version, _, changes = self._opened_parts()
        try:
            changes.require_known(version.manifest.ledger_position)
        except ChangesNotKnown:
            raise StoreDown(_SILENT) from None
        return version.manifest

    def _known_of(self, snapshot_subject: str) -> tuple[Version, SnapshotCopy, bytes | None]:
        """With the live mark that the store would have; nobody compares its number here."""
        version, copy, changes = self._opened_parts()
        try:
            change = changes.of(snapshot_subject, version.manifest.ledger_position)
        except ChangesNotKnown:
            raise StoreDown(_SILENT) from None
        if change == "changed":
            raise StoreDown(_TOO_OLD)
        return version, copy, _mark_of(change)

    def _opened_parts(self) -> tuple[Version, SnapshotCopy, ChangesSince]:
        version, copy, changes = self._version, self._copy, self._changes
        if version is None or copy is None or changes is None:
            raise StoreDown("the store is down and there is no copy")
        return version, copy, changes

    def _read(self, copy: SnapshotCopy, sort: Sort, snapshot_subject: str) -> bytes | None:
        try:
            return copy.value(sort, snapshot_subject)
        except CopyRefused as error:
            self._tell_refused(copy.manifest.snapshot, error)
            raise StoreDown("the copy is damaged") from error

    # life

    async def open(self, ledger: Ledger) -> None:
        """After the reader has been opened. Without the store the reader is told what was served
        last, so that rules and other documents are there as well."""
        self._changes = ChangesSince(ledger, self._named)
        try:
            self._reader.version()
        except StoreDown:
            version = await asyncio.to_thread(self._version_told)
            if version is not None:
                self._reader.assume(version)
        self._follower.start()

    async def close(self) -> None:
        await self._follower.stop()
        self._put(None, None)

    async def _look_once(self) -> None:
        with contextlib.suppress(StoreDown):  # no version yet
            await self._look()

    async def _look(self) -> None:
        version = self._reader.version()
        is_due = self._copy is None and time.monotonic() >= self._again_at
        if version is not self._version or is_due:
            self._again_at = time.monotonic() + AGAIN_SECONDS
            self._put(version, await asyncio.to_thread(self._opened, version))
        if self._copy is not None and self._changes is not None:
            await self._changes.follow(version.manifest.ledger_position)

    def _put(self, version: Version | None, copy: SnapshotCopy | None) -> None:
        before, self._copy, self._version = self._copy, copy, version
        if before is not None:
            before.close()

    def _opened(self, version: Version) -> SnapshotCopy | None:
        return self._open(version.manifest.snapshot, version.manifest)

    def _open(self, snapshot: str, served: Manifest | None) -> SnapshotCopy | None:
        try:
            return open_copy(self._snapshots / snapshot, self._key(), served)
        except CopyRefused as error:
            self._tell_refused(snapshot, error)
            return None

    def _version_told(self) -> Version | None:
        snapshot = told_as_served(self._snapshots)
        if snapshot is None:
            return None
        copy = self._open(snapshot, None)
        if copy is None:
            return None
        try:
            return copy.version()
        except CopyRefused as error:
            self._tell_refused(snapshot, error)
            return None
        finally:
            copy.close()

    def _key(self) -> Ed25519PublicKey:
        try:
            return read_verifying_key(self._key_file)
        except VerificationFailed as error:
            raise CopyRefused("copy_missing", self._key_file.name) from error

    def _tell_refused(self, snapshot: str, error: CopyRefused) -> None:
        if self._refused != (snapshot, str(error)):  # once, not a thousand times a second
            self._refused = (snapshot, str(error))
            level = logging.INFO if error.code in _HARMLESS else logging.ERROR
            log.log(level, "last good copy %s is not served: %s", snapshot, error)


def _mark_of(change: Literal["withdrawn"] | Accepted | None) -> bytes | None:
    if isinstance(change, Accepted):
        return enrolled_mark(change.notice, 0)
    return None if change is None else withdrawn_mark(0)


def _stored(value: bytes | None, mark: bytes | None) -> Stored:
    """Raises StoreDown for who joined after the build: the overlay may have told her a score."""
    if value is None and mark is not None and mark.startswith(ENROLLED_MARK):
        raise StoreDown(_TOO_OLD)
    return Stored(value, mark)


async def life_of(
    reader: SnapshotReader,
    last_good: LastGood | None,
    snapshot_subject: str,
    what: Literal["explanation", "history"],
) -> tuple[Version, StoredLife, bool]:
    """From the store, or from the copy: then True comes with it. Raises StoreDown."""
    try:
        version = reader.version()
        return version, await reader.life(version, snapshot_subject, what), False
    except StoreDown:
        if last_good is None:
            raise
        return *last_good.life(snapshot_subject, what), True

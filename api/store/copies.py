"""A snapshot's own files, read one citizen at a time: what is left when the store is down.

Nothing is believed that does not hang on the manifest's signature: it covers the lookup files, they
cover every bucket, and a record names its citizen. Files are read, not mapped: a mapped file that
is cut short kills the process, a read one is found out. Pages are shared by all workers of a
machine.
"""

import contextlib
import hashlib
import os
from bisect import bisect_right
from pathlib import Path
from typing import Literal

import hiredis
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.store.protocol import Version
from scoring.contract.lookup import Lookup, LookupBroken, Sort, require_whole, value_in
from scoring.contract.snapshot import (
    DOCUMENTS,
    SCHEMA_VERSION,
    LookupPart,
    Manifest,
    SnapshotPart,
    bucket_of,
    field_of,
)
from scoring.errors import VerificationFailed
from scoring.signing import verify

MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
DOCUMENTS_FILE = "documents.resp"

CopyCode = Literal[
    "copy_missing",  # the folder is on another machine, or gone
    "copy_without_lookup",  # built before there were lookup files
    "copy_damaged",  # a signature, size or digest is wrong
    "copy_differs",  # the store serves another snapshot of this name
    "copy_unknown_layout",  # it needs newer readers
]


class CopyRefused(Exception):
    """`where`: the file, relative to the snapshot's folder."""

    def __init__(self, code: CopyCode, where: str) -> None:
        super().__init__(f"[{code}] {where}")
        self.code = code
        self.where = where


class SnapshotCopy:
    """Made by `open_copy`; belongs to one thread at a time. `close` it."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._folder = folder
        self._files = contextlib.ExitStack()
        self._lookups: list[Lookup] = []
        self._records: list[tuple[int, str]] = []  # descriptor and path, beside `_lookups`
        self._first_buckets: list[int] = []

    def value(self, sort: Sort, snapshot_subject: str) -> bytes | None:
        """As stored; None where the snapshot has none. Raises CopyRefused `copy_damaged`."""
        bucket = bucket_of(snapshot_subject, self.manifest.bucket_count)
        number = bisect_right(self._first_buckets, bucket) - 1
        descriptor, path = self._records[number]
        try:
            place = self._lookups[number].place(sort, bucket)
            if place is None:
                return None
            command = os.pread(descriptor, place.size, place.offset)
            require_whole(command, place)
            return value_in(command, field_of(snapshot_subject))
        except (LookupBroken, OSError) as error:
            raise CopyRefused("copy_damaged", path) from error

    def version(self) -> Version:
        """With its documents. Raises CopyRefused."""
        part = next((p for p in self.manifest.parts if p.path == DOCUMENTS_FILE), None)
        if part is None:
            raise CopyRefused("copy_damaged", DOCUMENTS_FILE)
        reader = hiredis.Reader()
        reader.feed(_signed_bytes(self._folder, part))
        _, _, *pairs = reader.gets()
        documents = {
            name.decode(): body for name, body in zip(pairs[::2], pairs[1::2], strict=True)
        }
        if not set(DOCUMENTS) <= documents.keys():
            raise CopyRefused("copy_damaged", DOCUMENTS_FILE)
        return Version(manifest=self.manifest, documents=documents)

    def open_parts(self) -> None:
        """Raises CopyRefused, OSError."""
        parts = {part.path: part for part in self.manifest.parts}
        for told in self.manifest.lookups:
            try:
                lookup = Lookup(_signed_bytes(self._folder, told))
            except LookupBroken as error:
                raise CopyRefused("copy_damaged", told.path) from error
            if told.records not in parts:
                raise CopyRefused("copy_damaged", told.path)
            self._lookups.append(lookup)
            self._first_buckets.append(lookup.first_bucket)
            self._records.append((self._opened(parts[told.records]), told.records))

    def _opened(self, part: SnapshotPart) -> int:
        descriptor = os.open(self._folder / part.path, os.O_RDONLY | os.O_CLOEXEC)
        self._files.callback(os.close, descriptor)
        if os.fstat(descriptor).st_size != part.size_bytes:
            raise CopyRefused("copy_damaged", part.path)
        return descriptor

    def close(self) -> None:
        self._files.close()


def open_copy(folder: Path, key: Ed25519PublicKey, served: Manifest | None) -> SnapshotCopy:
    """`served`: what the store says the snapshot is, where it was asked. Some ms for a million
    citizens. Raises CopyRefused."""
    manifest = _signed_manifest(folder, key)
    if served is not None and served != manifest:
        raise CopyRefused("copy_differs", MANIFEST_FILE)
    if not manifest.lookups:
        raise CopyRefused("copy_without_lookup", MANIFEST_FILE)
    copy = SnapshotCopy(folder, manifest)
    try:
        copy.open_parts()
    except OSError as error:
        copy.close()
        raise CopyRefused("copy_missing", Path(error.filename or "").name) from error
    except BaseException:
        copy.close()
        raise
    return copy


def _signed_manifest(folder: Path, key: Ed25519PublicKey) -> Manifest:
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
        verify(key, content, (folder / SIGNATURE_FILE).read_bytes())
        manifest = msgspec.json.decode(content, type=Manifest)
    except OSError as error:
        raise CopyRefused("copy_missing", MANIFEST_FILE) from error
    except (VerificationFailed, msgspec.DecodeError) as error:
        raise CopyRefused("copy_damaged", MANIFEST_FILE) from error
    if manifest.min_reader > SCHEMA_VERSION:
        raise CopyRefused("copy_unknown_layout", MANIFEST_FILE)
    return manifest


def _signed_bytes(folder: Path, told: SnapshotPart | LookupPart) -> bytes:
    try:
        content = (folder / told.path).read_bytes()
    except OSError as error:
        raise CopyRefused("copy_missing", told.path) from error
    if hashlib.sha256(content).hexdigest() != told.sha256:
        raise CopyRefused("copy_damaged", told.path)
    return content

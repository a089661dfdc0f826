"""Keys: there, readable by their owner alone, whole, in pairs, and those the lake was made with."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from api.commands.doctor.finding import Finding, Installation, fault, warning
from scoring.errors import ChengxinError
from scoring.keys import KeyFiles, key_files, read_symmetric_key

OTHERS = stat.S_IRWXG | stat.S_IRWXO
RESTORE = "restore the key from its safe; a new one is not the same"


def check_keys(place: Installation) -> Iterator[Finding]:
    files = key_files(place.data)
    owner = _owner(place.data)
    for path, is_private in _needed(files):
        if not path.is_file():
            yield fault(
                "key_missing",
                "a key is not there",
                where=path,
                do="restore it from its safe; in a new city: chengxin keys make",
            )
        else:
            yield from _check_file(path, is_private=is_private, owner=owner)
    yield from _contents(files)
    yield from _check_lake_key(place.data, files.lake)


def _needed(files: KeyFiles) -> Iterator[tuple[Path, bool]]:
    """The identity key is the demo's alone."""
    for path in (files.lake, files.snapshot, files.signing, files.log, files.api_signing):
        yield path, True
    yield files.signing_public, False
    yield files.log_public, False


def _owner(data: Path) -> int | None:
    return data.stat().st_uid if data.exists() else None


def _check_file(path: Path, *, is_private: bool, owner: int | None) -> Iterator[Finding]:
    status = path.stat()
    if is_private and status.st_mode & OTHERS:
        yield fault(
            "key_open_to_others",
            f"mode {stat.S_IMODE(status.st_mode):04o}: others than its owner may use it",
            where=path,
            do="chmod 600, find out who could read it, and see the page 运维 on leaked keys",
        )
    if status.st_uid != owner:
        yield warning(
            "key_of_another_owner",
            "the key does not belong to the account that the data directory belongs to",
            where=path,
            do="chown it to the service's account",
        )


def _contents(files: KeyFiles) -> Iterator[Finding]:
    from api.signing_keys import load_signing_key
    from scoring.signing import read_signing_key, read_verifying_key

    readers: list[tuple[Path, Callable[[Path], object]]] = [
        (files.lake, read_symmetric_key),
        (files.snapshot, read_symmetric_key),
        (files.signing, read_signing_key),
        (files.log, read_signing_key),
        (files.signing_public, read_verifying_key),
        (files.log_public, read_verifying_key),
        (files.api_signing, load_signing_key),
    ]
    broken = {path for path, read in readers if path.is_file() and not _is_read(path, read)}
    for path in sorted(broken):
        yield fault("key_unreadable", "the file holds no key of its kind", where=path, do=RESTORE)
    for private, public in ((files.signing, files.signing_public), (files.log, files.log_public)):
        if {private, public} & broken or not (private.is_file() and public.is_file()):
            continue
        if read_signing_key(private).public_key() != read_verifying_key(public):
            yield fault(
                "key_pair_differs",
                "the public half does not belong to the private one",
                where=public,
                do=RESTORE,
            )


def _is_read(path: Path, read: Callable[[Path], object]) -> bool:
    try:
        read(path)
    except (ChengxinError, OSError, ValueError, TypeError):
        return False
    return True


def _check_lake_key(data: Path, path: Path) -> Iterator[Finding]:
    from scoring.ingest.pseudonyms import key_check
    from scoring.lake.manifest import read_manifest

    try:
        known = read_manifest(data / "lake").key_check
        key = read_symmetric_key(path)
    except ChengxinError as error:
        if error.code == "lake_manifest_unreadable":
            yield fault(
                error.code, "the lake's manifest is damaged", where=error.where, do=error.do
            )
        return
    if known and known not in (key_check(key, "sha256"), key_check(key, "sm3")):
        yield fault(
            "lake_key_differs",
            "the lake was made with another key: new files would be refused",
            where=path,
            do=RESTORE,
        )

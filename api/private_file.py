"""Files only their owner may read: whole or not at all."""

import os
from pathlib import Path

from scoring.durable import sync_folder, unfinished, write_new

OWNER_ALONE = 0o600


def write_private_file(path: Path, content: bytes) -> None:
    """Replaces `path` in one step, after the content is on the disk; mode 0600 from the start."""
    temporary = unfinished(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private_file(path: Path, content: bytes) -> None:
    """As `write_private_file`, but what is there stays: FileExistsError."""
    write_new(path, content, mode=OWNER_ALONE)

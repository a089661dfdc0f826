"""Files only their owner may read: whole or not at all."""

import os
from pathlib import Path


def write_private_file(path: Path, content: bytes) -> None:
    """Replaces `path` in one step, after the content is on the disk; mode 0600 from the start."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)

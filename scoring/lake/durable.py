"""Writing that survives a kill and a power cut: the bytes reach the disk before the name does."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Create or replace `path` atomically; its folder must exist. On an error all is as before."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make created, replaced and removed names in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The tools' own environment, made once a lock file."""

import hashlib
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).with_name("requirements.lock")


class Tools:
    """`folder`: of the environment; `ready` names the lock file it was made from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = folder / "ready"

    @property
    def is_ready(self) -> bool:
        return self._ready.exists() and self._ready.read_text() == _digest()

    def make(self) -> None:
        """Raises CalledProcessError."""
        if self.is_ready:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(self._folder)], check=True)
        install = [self.command("pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", str(LOCK)], check=True)
        self._ready.write_text(_digest())

    def command(self, name: str) -> str:
        return str(self._folder / "bin" / name)


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()

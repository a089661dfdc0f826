"""The browser of the scenes.

Debian has Chromium twice, of one version: the whole browser, and the shell without windows that
Playwright itself prefers. A page costs the shell a third of the processor's time.
"""

import shutil

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_CHROMIUM = "no Chromium on the PATH (apt-get install chromium-headless-shell)"

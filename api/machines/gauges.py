"""What the service stands on at this moment: for alerts, asked at each scrape, nothing kept.

A part that does not answer is a 0 in its `_up`, and its other figures are left out: no figure is
better than an old one.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.ledger.audit.folders import head_paths, heads_folder
from api.ledger.protocol import LedgerError
from api.machines.standing import served_manifest
from api.me.last_good import LastGood
from api.services import Services
from api.store.protocol import StoreDown
from scoring.contract.snapshot import OVERLAY_RUN_KEY, OverlayRun

_HEAD_TIME = "%Y%m%dT%H%M%SZ"


class Gauges:
    """`data`: data directory, where the auditor's signed heads lie."""

    def __init__(self, services: Services, last_good: LastGood, data: Path) -> None:
        self._services = services
        self._last_good = last_good
        self._heads = heads_folder(data)

    async def now(self) -> Mapping[str, float]:
        return {
            **await self._store(),
            **self._copy(),
            **await self._ledger(),
            **self._audit(),
        }

    async def _store(self) -> dict[str, float]:
        try:
            manifest = await served_manifest(self._services.reader)
            overlay = await self._overlay(manifest.snapshot)
        except StoreDown:
            return {"store_up": 0}
        midnight = dt.datetime.combine(manifest.as_of, dt.time(), dt.UTC)
        return {
            "store_up": 1,
            "snapshot_as_of_seconds": midnight.timestamp(),
            "snapshot_ledger_position": manifest.ledger_position,
            "snapshot_citizens": manifest.citizens,
            **overlay,
        }

    async def _overlay(self, snapshot: str) -> dict[str, float]:
        """When it last ended well, over whichever version; what lies over the one being served."""
        value = await self._services.reader.get(OVERLAY_RUN_KEY)
        if value is None:
            return {}
        run = msgspec.json.decode(value, type=OverlayRun)
        if run.snapshot != snapshot:
            return {"overlay_seconds": run.at_seconds}
        return {
            "overlay_seconds": run.at_seconds,
            "overlay_ledger_position": run.position,
            "overlay_citizens": run.citizens,
        }

    def _copy(self) -> dict[str, float]:
        """Whether citizens' own scores would outlast the store at this moment."""
        try:
            self._last_good.manifest()
        except StoreDown:
            return {"last_good_ready": 0}
        return {"last_good_ready": 1}

    async def _ledger(self) -> dict[str, float]:
        try:
            return {"ledger_up": 1, "ledger_position": await self._services.ledger.position()}
        except LedgerError:
            return {"ledger_up": 0}

    def _audit(self) -> dict[str, float]:
        """When the log's head was last signed; its name is that time."""
        try:
            paths = head_paths(self._heads)
            made = dt.datetime.strptime(paths[-1].name.partition(".")[0], _HEAD_TIME)
        except (OSError, ValueError, IndexError):
            return {}
        return {"audit_head_seconds": made.replace(tzinfo=dt.UTC).timestamp()}

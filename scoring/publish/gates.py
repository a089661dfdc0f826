"""A correct snapshot that looks wrong: refused before anything is loaded.

Cloudflare's outage of 2025-11-18 was one generated file of twice its size, taken on trust.
"""

from collections.abc import Collection
from pathlib import Path

import msgspec

from scoring.contract.snapshot import DOCUMENTS, SCHEMA_VERSION, Manifest
from scoring.errors import GateRefused, InputRefused
from scoring.publish.verify import VerifiedSnapshot

LIMITS_FILE = Path(__file__).with_name("gates.toml")
ROLES = ("scores", "items", "records", "documents")


class ShiftLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit_share: float
    free_citizens: int
    may_be_accepted: bool
    reason: str


class PlainLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    may_be_accepted: bool
    reason: str


class GateLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    count_shift: ShiftLimit
    band_shift: ShiftLimit
    as_of_backwards: PlainLimit

    def acceptable(self) -> set[str]:
        gates = ("count_shift", "band_shift", "as_of_backwards")
        return {gate for gate in gates if getattr(self, gate).may_be_accepted}


def read_limits(path: Path = LIMITS_FILE) -> GateLimits:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=GateLimits)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused("gate_limits_unreadable", str(error), where=str(path)) from error


def check_gates(
    snapshot: VerifiedSnapshot,
    served: Manifest | None,
    limits: GateLimits,
    accepted: Collection[str] = (),
) -> None:
    """`served`: manifest of the version being served, None before the first publish.
    Raises GateRefused naming the gate; InputRefused for an `accepted` that no gate can be."""
    if unknown := set(accepted) - limits.acceptable():
        raise InputRefused(
            "gate_not_acceptable",
            f"not a gate that can be accepted: {', '.join(sorted(unknown))}",
            do=f"choose from {', '.join(sorted(limits.acceptable()))}",
        )
    _check_whole(snapshot)
    if served is None:
        return
    new = snapshot.manifest
    _check_ledger(new, served)
    if "as_of_backwards" not in accepted and new.as_of < served.as_of:
        raise _shifted("as_of_backwards", f"as of {new.as_of}, but {served.as_of} is being served")
    if "count_shift" not in accepted:
        _check_count(new, served, limits.count_shift)
    if "band_shift" not in accepted:
        _check_bands(new, served, limits.band_shift)


def _check_whole(snapshot: VerifiedSnapshot) -> None:
    manifest = snapshot.manifest
    if manifest.citizens == 0:
        raise GateRefused("empty", "the snapshot holds no citizen", where=manifest.snapshot)
    if manifest.min_reader > SCHEMA_VERSION:
        raise GateRefused(
            "min_reader",
            f"needs readers of layout {manifest.min_reader}; these read {SCHEMA_VERSION}",
            where=manifest.snapshot,
            do="deploy the readers first, then publish",
        )
    present = {part.role for part in manifest.parts}
    if missing := [role for role in ROLES if role not in present]:
        raise GateRefused("missing_part", f"no {', '.join(missing)}", where=manifest.snapshot)
    if missing := [name for name in DOCUMENTS if name not in snapshot.documents]:
        raise GateRefused("missing_document", f"no {', '.join(missing)}", where=manifest.snapshot)


def _check_ledger(new: Manifest, served: Manifest) -> None:
    """Not acceptable by anyone: the marks that tell of a withdrawal after the older position may
    have been pruned, so a citizen who left could be answered again."""
    if new.ledger_position < served.ledger_position:
        raise GateRefused(
            "ledger_backwards",
            f"built at ledger position {new.ledger_position}; "
            f"{served.ledger_position} is being served",
            where=new.snapshot,
            do="export the ledger again and build from it",
        )


def _check_count(new: Manifest, served: Manifest, limit: ShiftLimit) -> None:
    change = abs(new.citizens - served.citizens)
    if change >= limit.free_citizens and change > limit.limit_share * served.citizens:
        raise _shifted("count_shift", f"{new.citizens} citizens after {served.citizens}")


def band_distance(new: dict[str, int], served: dict[str, int]) -> float:
    """Total variation distance of two histograms, 0…1; one of them empty gives 0."""
    total_new, total_served = sum(new.values()), sum(served.values())
    if not total_new or not total_served:
        return 0.0
    bands = new.keys() | served.keys()
    gap = (new.get(band, 0) / total_new - served.get(band, 0) / total_served for band in bands)
    return sum(abs(share) for share in gap) / 2


def _check_bands(new: Manifest, served: Manifest, limit: ShiftLimit) -> None:
    if min(new.citizens, served.citizens) < limit.free_citizens:
        return
    distance = band_distance(new.score_histogram, served.score_histogram)
    if distance > limit.limit_share:
        raise _shifted("band_shift", f"{distance:.1%} of the citizens are in another band")


def _shifted(gate: str, what: str) -> GateRefused:
    return GateRefused(
        gate, what, do=f"find out why; if it is right: chengxin publish --accept-shift {gate}"
    )

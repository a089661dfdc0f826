"""Records of single citizens into the served version; each citizen's three change at once.

Nobody holds a pen here: each citizen's records carry the ledger position they were made from, and
an older position never replaces a newer one. So any number of overlays may run beside each other,
be killed and begin again. `allow-oom`: a disputed record stops counting in a full store too.
"""

from collections.abc import Sequence

import msgspec

from scoring.contract.snapshot import (
    OVERLAY_POSITION_FIELD,
    OVERLAY_RUN_KEY,
    OverlayRun,
    overlay_key,
)
from scoring.overlay.rebuild import OverlaidCitizen
from scoring.store.connection import StoreConnection

CITIZENS_AT_ONCE = 32  # some 60 kB of arguments; readers wait 0.3 ms for it

_HEAD = """#!lua flags=allow-oom
local v = ARGV[1]
if redis.call('GET', 'current') ~= v or redis.call('EXISTS', 'm:' .. v) == 0 then return 'moved' end
"""

# ARGV: snapshot, ledger position, then for each citizen: bucket, field, snapshot subject, hot,
# explanation, history. A withdrawal marked after the position wins over what was built from it.
_LAY = (
    _HEAD
    + """
local position = tonumber(ARGV[2])
for i = 3, #ARGV, 6 do
  local slot, field = ':' .. v .. ':{' .. ARGV[i] .. '}', ARGV[i + 1]
  if tonumber(redis.call('HGET', 'o:' .. v, field) or '-1') < position then
    local seq = string.match(redis.call('GET', 'l:' .. ARGV[i + 2]) or '', '^w:(%d+)$')
    if ARGV[i + 3] == '' or (seq and tonumber(seq) > position) then
      for _, letter in ipairs({'h', 'x', 'y'}) do redis.call('HDEL', letter .. slot, field) end
    else
      redis.call('HSET', 'h' .. slot, field, ARGV[i + 3])
      redis.call('HSET', 'x' .. slot, field, ARGV[i + 4])
      if ARGV[i + 5] ~= '' then redis.call('HSET', 'y' .. slot, field, ARGV[i + 5]) end
    end
    redis.call('HSET', 'o:' .. v, field, ARGV[2])
  end
end
return 'ok'
"""
)

# ARGV: snapshot, ledger position, field: everything up to the position has been laid. KEYS: where
# the run is told of.
_REACH = (
    _HEAD
    + """
if tonumber(redis.call('HGET', 'o:' .. v, ARGV[3]) or '-1') < tonumber(ARGV[2]) then
  redis.call('HSET', 'o:' .. v, ARGV[3], ARGV[2])
end
local run = '["%s",%s,%s,%d]'
local position, now = redis.call('HGET', 'o:' .. v, ARGV[3]), redis.call('TIME')[1]
redis.call('SET', KEYS[1], run:format(v, position, now, redis.call('HLEN', 'o:' .. v) - 1))
return 'ok'
"""
)


def position_laid(store: StoreConnection, snapshot: str) -> int | None:
    """Ledger position up to which every change lies over this version; None: nothing does."""
    value = store.call("HGET", overlay_key(snapshot), OVERLAY_POSITION_FIELD)
    return int(value) if value is not None else None


def last_run(store: StoreConnection) -> OverlayRun | None:
    """The last one that ended well, of whatever version."""
    value = store.call("GET", OVERLAY_RUN_KEY)
    return msgspec.json.decode(value, type=OverlayRun) if value is not None else None


def lay(
    store: StoreConnection, snapshot: str, position: int, citizens: Sequence[OverlaidCitizen]
) -> bool:
    """False where `snapshot` is no longer the one being served: what is laid since is none of its
    records, what was laid before harms nobody."""
    for start in range(0, len(citizens), CITIZENS_AT_ONCE):
        some = citizens[start : start + CITIZENS_AT_ONCE]
        words = [word for citizen in some for word in _words(citizen)]
        if store.call("EVAL", _LAY, 0, snapshot, position, *words) != b"ok":
            return False
    reached = store.call(
        "EVAL", _REACH, 1, OVERLAY_RUN_KEY, snapshot, position, OVERLAY_POSITION_FIELD
    )
    return bool(reached == b"ok")


def _words(citizen: OverlaidCitizen) -> tuple[str | int, ...]:
    return (
        citizen.bucket,
        citizen.field,
        citizen.snapshot_subject,
        citizen.hot,
        citizen.explanation,
        citizen.history,
    )

"""Commands of the read path as bytes, and the script that keeps live marks in order."""

from collections.abc import Callable

import msgspec

from scoring.contract.pseudonyms import PSEUDONYM_CHARS
from scoring.contract.snapshot import (
    CLAIMS_KEY,
    FIELD_CHARS,
    MARKS_KEY,
    bucket_of,
    explanation_key,
    field_of,
    history_key,
    hot_key,
    live_key,
    manifest_key,
    overlay_key,
)

LIVE_KEY_BYTES = len(live_key("x" * PSEUDONYM_CHARS))

# Marks arrive from many workers in any order; the one of the later event stays. `allow-oom`: a
# withdrawal takes effect in a full store too.
_SET_MARK = """#!lua flags=allow-oom
local function seq_of(mark) return mark and tonumber(string.match(mark, ':(%d+)$')) end
local old = seq_of(redis.call('GET', KEYS[1]))
if not old or old < seq_of(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
"""

_SET_REPLAYED = """#!lua flags=allow-oom
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


# A value whose leading number is higher stays; a value without end is kept until it is replaced.
_KEEP_NEWER = """#!lua flags=allow-oom
local function seq_of(value) return value and tonumber(string.match(value, '^(%d+)')) end
local old = seq_of(redis.call('GET', KEYS[1]))
if not old or old < seq_of(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
  if ARGV[2] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[2]) end
end
return 1
"""


# A position moves on only from where its writer began: past a gap it never goes.
_ADVANCE = """#!lua flags=allow-oom
local old = tonumber(redis.call('GET', KEYS[1]) or '0')
if old < tonumber(ARGV[1]) then return old end
if old < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[2]) end
return math.max(old, tonumber(ARGV[2]))
"""


def pack(*words: str | bytes) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode() if isinstance(word, str) else word
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


def set_mark(snapshot_subject: str, mark: bytes) -> bytes:
    return pack("EVAL", _SET_MARK, "1", live_key(snapshot_subject), mark)


def set_replayed(position: int) -> bytes:
    return pack("EVAL", _SET_REPLAYED, "1", MARKS_KEY, str(position))


def get(key: str) -> bytes:
    """`key` in ASCII."""
    return f"*2\r\n$3\r\nGET\r\n${len(key)}\r\n{key}\r\n".encode("ascii")


def keep_newer(key: str, value: bytes, expires_at: int | None) -> bytes:
    end = "" if expires_at is None else str(expires_at)
    return pack("EVAL", _KEEP_NEWER, "1", key, value, end)


# One claim of a kind of key, and since when the claims are complete.
_CLAIM_ONCE = """
local since = redis.call('GET', KEYS[2])
if not since then
  since = ARGV[1] - 2
  redis.call('SET', KEYS[2], since)
end
if tonumber(ARGV[2]) < tonumber(since) then return 0 end
return redis.call('SET', KEYS[1], '', 'NX', 'EXAT', ARGV[3]) and 1 or 0
"""


# Older claims than this moment may be forgotten ones.
_BEGIN_CLAIMS = """
redis.call('SET', KEYS[1], redis.call('TIME')[1], 'NX')
return 1
"""


# A counter that was lost is brought back to what is known elsewhere, never down.
_RAISE_TO = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EXAT', ARGV[2])
end
return 1
"""


def raise_to(key: str, least: int, expires_at: int) -> bytes:
    return pack("EVAL", _RAISE_TO, "1", key, str(least), str(expires_at))


# A consent's end is known in a full store too.
_ADD = """#!lua flags=allow-oom
return redis.call('SADD', KEYS[1], ARGV[1])
"""


def add(key: str, member: str) -> bytes:
    return pack("EVAL", _ADD, "1", key, member)


def members(key: str) -> bytes:
    return pack("SMEMBERS", key)


def hold(key: str, milliseconds: int) -> bytes:
    return pack("SET", key, b"", "NX", "PX", str(milliseconds))


def let_go(key: str) -> bytes:
    return pack("DEL", key)


def begin_claims() -> bytes:
    return pack("EVAL", _BEGIN_CLAIMS, "1", CLAIMS_KEY)


def claim_once(key: str, *, at: int, issued_at: int, expires_at: int) -> bytes:
    numbers = (str(number) for number in (at, issued_at, expires_at))
    return pack("EVAL", _CLAIM_ONCE, "2", key, CLAIMS_KEY, *numbers)


def count(key: str, amount: int) -> bytes:
    text = str(amount)
    return (f"*3\r\n$6\r\nINCRBY\r\n${len(key)}\r\n{key}\r\n${len(text)}\r\n{text}\r\n").encode(
        "ascii"
    )


def expire(key: str, expires_at: int) -> bytes:
    return pack("EXPIREAT", key, str(expires_at))


# One moment for all five, which neither a pipeline nor a tick is: an overlay may come in between.
_LIFE = """#!lua flags=no-writes
local read = redis.call
return {read('EXISTS', KEYS[1]), read('GET', KEYS[2]), read('HGET', KEYS[3], ARGV[1]),
  read('HGET', KEYS[4], ARGV[1]), read('HGET', KEYS[5], ARGV[1])}
"""
_BESIDE: dict[str, Callable[[str, int], str]] = {
    "explanation": explanation_key,
    "history": history_key,
}


def life(snapshot: str, bucket_count: int, subject: str, what: str) -> bytes:
    bucket = bucket_of(subject, bucket_count)
    return pack(
        "EVAL_RO",
        _LIFE,
        "5",
        manifest_key(snapshot),
        live_key(subject),
        hot_key(snapshot, bucket),
        _BESIDE[what](snapshot, bucket),
        overlay_key(snapshot),
        field_of(subject),
    )


def advance(key: str, start: int, end: int) -> bytes:
    return pack("EVAL", _ADVANCE, "1", key, str(start), str(end))


COUNTED_ANSWERS = 5


class VersionKeys(msgspec.Struct, frozen=True):
    """What all reads of one snapshot have in common, made once a version."""

    snapshot: str
    bucket_count: int
    is_present: bytes  # EXISTS m:v
    key_bytes: int  # of a bucket's key without the digits of its number

    def hot(self, subject: str) -> bytes:
        """HGET of the hot record and GET of the live mark, in one write."""
        return self._read("h", subject)

    def counted(self, subject: str, beside: str, counter: str) -> bytes:
        """HGET of the hot record, GET of the live mark, EXISTS of the snapshot, GET of `beside`
        and INCR of `counter`, in one write."""
        more = (
            f"*2\r\n$3\r\nGET\r\n${len(beside)}\r\n{beside}\r\n"
            f"*2\r\n$4\r\nINCR\r\n${len(counter)}\r\n{counter}\r\n"
        )
        return self._read("h", subject) + self.is_present + more.encode("ascii")

    def explanation(self, subject: str) -> bytes:
        return self._read("x", subject)

    def _read(self, letter: str, subject: str) -> bytes:
        if len(subject) != PSEUDONYM_CHARS:  # lengths below are written for this one
            raise ValueError(f"a snapshot subject has {PSEUDONYM_CHARS} characters")
        bucket = str(bucket_of(subject, self.bucket_count))
        return (
            f"*3\r\n$4\r\nHGET\r\n${self.key_bytes + len(bucket)}\r\n"
            f"{letter}:{self.snapshot}:{{{bucket}}}\r\n"
            f"${FIELD_CHARS}\r\n{subject[:FIELD_CHARS]}\r\n"
            f"*2\r\n$3\r\nGET\r\n${LIVE_KEY_BYTES}\r\nl:{subject}\r\n"
        ).encode("ascii")


def keys_of(snapshot: str, bucket_count: int) -> VersionKeys:
    length = len(hot_key(snapshot, 0)) - 1
    if length != len(explanation_key(snapshot, 0)) - 1:
        raise ValueError("hot and explanation keys must be of one length")
    return VersionKeys(
        snapshot=snapshot,
        bucket_count=bucket_count,
        is_present=pack("EXISTS", manifest_key(snapshot)),
        key_bytes=length,
    )

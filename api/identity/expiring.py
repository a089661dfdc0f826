"""One-time secrets with a life: authorisation codes and open log-in pages."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


def _random_key() -> str:
    return secrets.token_urlsafe(32)


class ExpiringStore(Generic[Value]):
    """In memory, at most `capacity` values; the oldest makes room. `now` is in seconds and never
    goes back between calls by more than the clock's own corrections."""

    def __init__(
        self,
        *,
        capacity: int,
        life_seconds: float,
        make_key: Callable[[], str] = _random_key,
    ) -> None:
        self._capacity = capacity
        self._life_seconds = life_seconds
        self._make_key = make_key
        self._held: OrderedDict[str, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def put(self, value: Value, now: float) -> str:
        """The key under which `value` can be taken once; 256 random bits."""
        self._drop_expired(now)
        while len(self._held) >= self._capacity:
            self._held.popitem(last=False)
        key = self._make_key()
        self._held[key] = (now + self._life_seconds, value)
        return key

    def take(self, key: str, now: float) -> Value | None:
        """None where the key is unknown, used or expired: the caller cannot tell which."""
        expires_at, value = self._held.pop(key, (0.0, None))
        return value if now < expires_at else None

    def _drop_expired(self, now: float) -> None:
        while self._held:
            key, (expires_at, _) = next(iter(self._held.items()))
            if now < expires_at:
                return
            del self._held[key]

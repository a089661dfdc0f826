"""Reproducible randomness by the column: 64-bit mixing of integers, nothing to do with secrecy.

A draw is a function of a stream (seed and name) and a number, so every record can be made alone, in
any order, in any chunk. polars' own `hash` and `sample` promise no stability between versions.
"""

import hashlib
from collections.abc import Sequence
from itertools import accumulate

import polars as pl

WORD = 2**64
_GOLDEN = 0x9E3779B97F4A7C15  # splitmix64: Steele, Lea, Flood 2014


def stream(seed: int, name: str) -> int:
    """A 64-bit constant that tells the draws of one purpose from those of every other."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big")


def draw(number: pl.Expr, stream: int) -> pl.Expr:
    """UInt64, uniform: the finaliser of splitmix64. `number` is a non-negative integer column."""
    mixed = number.cast(pl.UInt64) * _u64(_GOLDEN) + _u64(stream)
    mixed = (mixed ^ (mixed // _u64(2**30))) * _u64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed // _u64(2**27))) * _u64(0x94D049BB133111EB)
    return mixed ^ (mixed // _u64(2**31))


def is_below(drawn: pl.Expr, share: float) -> pl.Expr:
    """Boolean, true with probability `share`."""
    return drawn < _u64(min(int(share * WORD), WORD - 1))


def below(drawn: pl.Expr, count: int) -> pl.Expr:
    """Int32, uniform over 0 … count - 1."""
    return (drawn % _u64(count)).cast(pl.Int32)


def choice(drawn: pl.Expr, weights: Sequence[float]) -> pl.Expr:
    """UInt32 place in `weights`, with a probability in proportion to the weight."""
    whole = sum(weights)
    bounds = [int(part / whole * WORD) for part in accumulate(weights)][:-1]
    places = ((drawn >= _u64(bound)).cast(pl.UInt32) for bound in bounds)
    return sum(places, start=pl.lit(0, dtype=pl.UInt32))


def lookup(table: pl.Series, place: pl.Expr) -> pl.Expr:
    """`table[place]` for every row: text for a small set of numbers, at the cost of a copy."""
    return pl.lit(table).gather(place)


def _u64(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.UInt64)

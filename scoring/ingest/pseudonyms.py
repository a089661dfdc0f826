"""Eleventh stage: ID numbers leave here; what goes on is the pseudonym.

The same values as `scoring.contract.pseudonyms.subject_of`, for whole columns: the keyed inner and
outer state of HMAC (RFC 2104) is made once and copied, and base64 is done by polars.
"""

import hashlib
from collections.abc import Callable, Iterator

import polars as pl

from scoring.contract.pseudonyms import PSEUDONYM_CHARS, Digest
from scoring.lake.tables import RECORD_ID_CHARS

_BLOCK_BYTES = 64  # of SHA-256 and of SM3
_MAC_BYTES = 16  # what a pseudonym is made of
_SLICE_ROWS = 100_000  # Python objects alive at a time


def with_subjects(facts: pl.DataFrame, lake_key: bytes, digest: Digest) -> pl.DataFrame:
    """`id_number` replaced by `subject`."""
    unique = facts.select(pl.col("id_number").unique())
    named = unique.with_columns(
        subject=_pseudonyms(
            unique.get_column("id_number"), lake_key, b"subject\0", digest, PSEUDONYM_CHARS
        )
    )
    joined = facts.lazy().join(named.lazy(), on="id_number", how="left", maintain_order="left")
    return joined.drop("id_number").collect()


def with_record_ids(
    facts: pl.DataFrame, lake_key: bytes, digest: Digest, kind: str, department: str
) -> pl.DataFrame:
    """`key` replaced by `record_id`: keyed, because document numbers can be guessed."""
    purpose = f"record\0{kind}\0{department}\0".encode()
    ids = _pseudonyms(facts.get_column("key"), lake_key, purpose, digest, RECORD_ID_CHARS)
    return facts.drop("key").with_columns(record_id=ids)


def key_check(lake_key: bytes, digest: Digest) -> str:
    """22 characters by which a lake recognises its key and digest again."""
    check = pl.Series(["lake"])
    return str(_pseudonyms(check, lake_key, b"check\0", digest, PSEUDONYM_CHARS).item())


def _pseudonyms(
    texts: pl.Series, key: bytes, purpose: bytes, digest: Digest, chars: int
) -> pl.Series:
    macs_of = _hmac(key, purpose, digest)
    slices = [_base64url(macs_of(part), chars) for part in _slices(texts)]
    return pl.concat(slices) if slices else pl.Series([], dtype=pl.String)


def _slices(texts: pl.Series) -> Iterator[pl.Series]:
    for start in range(0, texts.len(), _SLICE_ROWS):
        yield texts.slice(start, _SLICE_ROWS)


def _base64url(macs: list[bytes], chars: int) -> pl.Series:
    base64 = pl.Series(macs, dtype=pl.Binary).bin.encode("base64").str.slice(0, chars)
    return base64.str.replace_all("+", "-", literal=True).str.replace_all("/", "_", literal=True)


def _hmac(key: bytes, purpose: bytes, digest: Digest) -> Callable[[pl.Series], list[bytes]]:
    """First 16 bytes of the HMAC of purpose + text for each text."""
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    inner = hashlib.new(digest, bytes(byte ^ 0x36 for byte in padded) + purpose)
    outer = hashlib.new(digest, bytes(byte ^ 0x5C for byte in padded))

    def macs_of(texts: pl.Series) -> list[bytes]:
        macs = []
        for text in texts.cast(pl.Binary):
            first, second = inner.copy(), outer.copy()
            first.update(text)
            second.update(first.digest())
            macs.append(second.digest()[:_MAC_BYTES])
        return macs

    return macs_of

"""Merkle trees of RFC 9162, section 2.1: pure functions over leaf hashes."""

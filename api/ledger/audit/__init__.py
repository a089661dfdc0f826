"""The log's tamper evidence: signed heads of its Merkle tree, kept hashes, audits and proofs.

DIR/heads/<UTC time>.head   signed heads, one file each, never replaced
DIR/tree/level-NN           hashes of the complete subtrees of 2^NN events, 32 bytes each
"""

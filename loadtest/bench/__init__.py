"""Benchmarks: figures beside the targets of the design, each with a peer in the same run."""

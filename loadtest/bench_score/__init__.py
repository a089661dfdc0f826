"""The build at scale: seconds, memory and hashes from lake to snapshot files, each run in a process
of its own, with the same aggregation in DuckDB beside it."""

"""Reports from the ledger that may leave the office: counts, nothing about fewer than ten people."""

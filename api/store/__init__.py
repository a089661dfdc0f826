"""Reading snapshots: one connection, one version per request."""

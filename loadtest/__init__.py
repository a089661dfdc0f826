"""Load tests: users, shapes and the limits that fail a run."""

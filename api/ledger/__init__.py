"""The ledger: append-only events of citizens, staff and partners; state is a fold of them."""

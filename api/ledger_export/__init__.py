"""What the batch builds from: the ledger's state at one position, read from either database."""

"""The service: what citizens, partners and the public ask, and the ledger of what they decide."""

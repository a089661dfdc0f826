"""Consents of a citizen: one partner, one benefit policy, one purpose; in effect at once."""

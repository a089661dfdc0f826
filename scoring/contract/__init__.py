"""What batch and service agree on, and all they share: layouts, names and published documents.

Needs msgspec and the standard library alone, so that the API starts without polars.
"""

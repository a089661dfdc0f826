"""Consent receipts by ISO/IEC TS 27560: what a citizen keeps, and how anyone checks it."""

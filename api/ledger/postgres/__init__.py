"""The ledger of several nodes: PostgreSQL behind the same promises. Needs psycopg."""

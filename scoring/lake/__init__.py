"""The lake: accepted records as immutable Parquet files, named by content in one manifest."""

"""The simulated world on its way into PostgreSQL, Parquet and CSV, and out again."""

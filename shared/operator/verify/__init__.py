"""Verify: compare what a job's destinations have with its receipt, and with Snowflake."""

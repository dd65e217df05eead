"""The demo: a real backfill on the local stack, and a check of every row that arrived."""

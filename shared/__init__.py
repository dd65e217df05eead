"""Backfills as an API: the domain, its steps and the adapters around them."""

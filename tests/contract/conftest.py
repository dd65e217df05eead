"""Fixtures of the contract tests."""

from tests.contract.records import records

__all__ = ["records"]

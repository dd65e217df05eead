"""The command line: ``backfills``. Only ``main`` is for others; all else is imported once it is needed."""

from __future__ import annotations

from backfills.cli.running import main

__all__ = ["main"]

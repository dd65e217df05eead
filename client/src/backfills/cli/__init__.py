"""The command line: ``backfills``. Only ``main`` is public; it imports everything else on demand."""

from __future__ import annotations

from backfills.cli.running import main

__all__ = ["main"]

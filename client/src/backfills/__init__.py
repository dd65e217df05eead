"""Backfills as an API: create, watch and control them from Python.

``Client`` is synchronous, ``AsyncClient`` is for asyncio; both have the same calls. Errors are in
``backfills.errors``, answers in ``backfills.models``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from backfills.async_client import AsyncClient
    from backfills.errors import BackfillsError
    from backfills.new import Filter, NewBackfill, Window
    from backfills.sync_client import Client
    from backfills.tries import Retries

__all__ = [
    "AsyncClient",
    "BackfillsError",
    "Client",
    "Filter",
    "NewBackfill",
    "Retries",
    "Window",
    "__version__",
]

_HOMES = {
    "AsyncClient": "async_client",
    "BackfillsError": "errors",
    "Client": "sync_client",
    "Filter": "new",
    "NewBackfill": "new",
    "Retries": "tries",
    "Window": "new",
}


def __getattr__(name: str) -> Any:
    """Load names on first use, so that importing only the errors loads neither httpx nor pydantic."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

"""A product function with crash points, hooked at its first request, in the serving process."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.bootstrap.once import Once
from tests.reliability.crash.control import VARIABLE, Control
from tests.reliability.crash.hooks import Hooks


def hooked(function: str) -> Callable[[Any], Any]:
    """Return the handler that functions-framework serves instead of the function's own."""
    product = importlib.import_module(f"functions.{function}.main")
    install = Once(lambda: _install(function))

    def handle(request: Any) -> Any:
        install()
        return product.handle(request)

    return handle


def _install(function: str) -> bool:
    hooks = Hooks(function, Control(Path(os.environ[VARIABLE])))
    hooks.install_common()
    # Each function imports only its own parts; Snowflake's connector not before the fork.
    if function in {"api", "stage", "deliver"}:
        parts = importlib.import_module(f"tests.reliability.crash.hooks_{function}")
        parts.install(hooks)
    return True

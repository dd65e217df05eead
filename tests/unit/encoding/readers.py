"""Both encoders, for tests of either."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from shared.encoding import NATIVE_INSTALLED, NativeRows, ParquetRows

ReadRows = Callable[..., ParquetRows]

NEEDS_NATIVE = pytest.mark.skipif(
    not NATIVE_INSTALLED, reason="the native encoder is not built (make setup does, where cargo is)"
)


def _refused(why: str) -> NoReturn:
    raise AssertionError(f"the native encoder refused what Python encodes: {why}")


def native_rows(*arguments: Any, **options: Any) -> NativeRows:
    """NativeRows that fails where the Python encoder would take over without need."""
    return NativeRows(*arguments, **{"on_refusal": _refused, **options})


def rows_ahead(*arguments: Any, **options: Any) -> NativeRows:
    """The same with a thread that encodes the next batch."""
    return native_rows(*arguments, **{"ahead": True, **options})


READERS = [
    pytest.param(ParquetRows, id="python"),
    pytest.param(native_rows, id="native", marks=NEEDS_NATIVE),
    pytest.param(rows_ahead, id="native ahead", marks=NEEDS_NATIVE),
]

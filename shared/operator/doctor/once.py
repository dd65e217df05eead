"""Facts that are read once, whatever the result."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - used as functools.cached_property is
    """A property that keeps its first value or exception: an unreachable service causes one wait only, and
    refused credentials are not sent again.
    """

    def __init__(self, ask: Callable[[Any], Value]) -> None:
        self._ask = ask
        self.__doc__ = ask.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Value: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | Value:
        if instance is None:
            return self
        kept: dict[str, tuple[Value | None, Exception | None]] = vars(instance).setdefault("_once", {})
        if self._ask.__name__ not in kept:
            try:
                kept[self._ask.__name__] = (self._ask(instance), None)
            except Exception as error:  # noqa: BLE001 - raised again at each access
                kept[self._ask.__name__] = (None, error)
        value, raised = kept[self._ask.__name__]
        if raised is not None:
            raise raised
        return value  # type: ignore[return-value]  # there is a value if nothing was raised


def was_asked(instance: object, name: str) -> bool:
    """Return whether the fact was read successfully."""
    return vars(instance).get("_once", {}).get(name, (None, True))[1] is None

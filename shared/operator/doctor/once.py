"""Facts that are asked for once, whatever they turn out to be."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - used as functools.cached_property is
    """A property whose first answer is kept, and also what it raised: a part that is out of reach is waited
    for once, and credentials that are refused are not shown again.
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
            except Exception as error:  # noqa: BLE001 - raised each time somebody asks
                kept[self._ask.__name__] = (None, error)
        value, raised = kept[self._ask.__name__]
        if raised is not None:
            raise raised
        return value  # type: ignore[return-value]  # there is one where nothing was raised


def was_asked(instance: object, name: str) -> bool:
    """Whether the fact was asked for, and told."""
    return vars(instance).get("_once", {}).get(name, (None, True))[1] is None

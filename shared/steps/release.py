"""Release what a failed call still holds.

An error refers to the frames that it passed, and a frame may refer to the error: through a local variable, or
through an object that keeps the error for later. Only a garbage collection frees such a cycle. Until then the
batches, connections and threads of a failed delivery would stay in memory. The collector counts objects and
not their bytes, so it would run much too late.
"""

import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


def releasing(call: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs) -> Result:
    """Call the function. If it raises an error, clear the local variables of all frames within the call."""
    try:
        return call(*arguments, **named)
    except BaseException as error:
        _clear_frames(error)
        raise


def _clear_frames(error: BaseException) -> None:
    """Clear the frames of the error, and of all errors during whose handling it was raised."""
    found = [error]
    for each in found:
        traceback.clear_frames(each.__traceback__)
        found += [
            cause
            for cause in (each.__cause__, each.__context__)
            if cause is not None and not any(cause is known for known in found)
        ]

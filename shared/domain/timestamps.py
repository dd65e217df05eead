"""Timestamps as the API's clients write them, exact to the nanosecond.

``datetime`` stops at microseconds, and floats stop earlier. A fraction therefore stays text.

The API accepts ISO 8601's extended format: ``YYYY-MM-DD`` (midnight) or
``YYYY-MM-DDTHH:MM[:SS[.fraction]]`` with an optional ``Z``, ``±HH``, ``±HHMM`` or ``±HH:MM``. It also
accepts ``t``, ``z`` and a decimal comma. It accepts a space in place of the ``T``, as Python prints times,
and then a space before the offset, as Snowflake prints times. The API refuses the basic format
(``20260301T000000``, and strings of digits, which could be Unix times), week and ordinal dates, hour 24 and
leap seconds.
"""

import re
from datetime import datetime, timedelta

MOST_FRACTION_DIGITS = 9
_WHOLE = len("YYYY-MM-DDTHH:MM:SS")
_LAST_HOUR, _LAST_MINUTE, _LEAP_SECOND = 23, 59, 60

_TIMESTAMP = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(([Tt]|(?P<space> ))(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(:(?P<second>[0-9]{2})([.,](?P<fraction>[0-9]+))?)?"
    r"((?(space) ?)([Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2})(:?(?P<minutes>[0-9]{2}))?))?)?"
)

_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([13579][26]|[2468][048]|0[48])00)"
_DATE = (
    f"({_YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_CLOCK = f"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{{1,{MOST_FRACTION_DIGITS}}})?)?"
_OFFSET = "([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"

# The texts that ``canonical`` accepts, as ECMA-262 and Python write patterns. The pattern cannot exclude an
# offset that leads out of the years 0001 to 9999.
PATTERN = f"^{_DATE}([Tt]{_CLOCK}{_OFFSET}?| {_CLOCK}( ?{_OFFSET})?)?$"


def canonical(text: str) -> str:
    """Return the same instant as ``YYYY-MM-DDTHH:MM:SS[.fraction]`` in UTC, with every fraction digit given.

    A text without an offset is in UTC. ValueError tells people what is wrong with the text.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise ValueError(
            "Write an ISO 8601 timestamp such as 2026-03-01T00:00:00 or 2026-03-01T02:00:00+02:00"
        )
    fraction = found["fraction"] or ""
    if len(fraction) > MOST_FRACTION_DIGITS:
        raise ValueError(f"At most {MOST_FRACTION_DIGITS} fraction digits: nanoseconds are the smallest unit")
    if int(found["second"] or 0) == _LEAP_SECOND:
        raise ValueError("Leap seconds are not supported: write the second before or after it")
    if int(found["hour"] or 0) > _LAST_HOUR:
        raise ValueError("The last hour is 23: midnight is 00:00 of the day it begins")
    try:
        moment = datetime.fromisoformat(
            f"{found['date']}T{found['hour'] or '00'}:{found['minute'] or '00'}:{found['second'] or '00'}"
        )
    except ValueError as error:
        raise ValueError(f"There is no such time: {error}") from error
    try:
        moment -= _offset(found)
    except OverflowError as error:
        raise ValueError("In UTC it is outside of the years 0001 to 9999") from error
    whole = moment.isoformat(timespec="seconds")
    return f"{whole}.{fraction}" if fraction else whole


def order(timestamp: str) -> tuple[str, str]:
    """Return the sort key of a canonical timestamp: ``.5`` and ``.500`` are the same instant."""
    return timestamp[:_WHOLE], timestamp[_WHOLE + 1 :].ljust(MOST_FRACTION_DIGITS, "0")


def _offset(found: re.Match[str]) -> timedelta:
    if found["sign"] is None:
        return timedelta()
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    if hours > _LAST_HOUR or minutes > _LAST_MINUTE:
        raise ValueError("An offset is at most 23:59")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if found["sign"] == "-" else offset

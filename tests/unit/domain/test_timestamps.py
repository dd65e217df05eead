"""Times: exact to the nanosecond, with one meaning for each text."""

import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.timestamps import canonical, order

TAKEN = [
    ("2026-03-01T00:00:00", "2026-03-01T00:00:00"),
    ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00"),
    ("2026-03-01t00:00:00z", "2026-03-01T00:00:00"),
    ("2026-03-01", "2026-03-01T00:00:00"),
    ("2026-03-01T07:05", "2026-03-01T07:05:00"),
    ("2026-03-01T00:00:00.123456789", "2026-03-01T00:00:00.123456789"),
    ("2026-03-01T00:00:00,5", "2026-03-01T00:00:00.5"),
    ("2026-03-01T00:00:00.500", "2026-03-01T00:00:00.500"),
    ("2026-03-01T02:00:00.000000001+02:00", "2026-03-01T00:00:00.000000001"),
    ("2026-03-01T05:30:00+0530", "2026-03-01T00:00:00"),
    ("2026-02-28T16:00:00-08", "2026-03-01T00:00:00"),
    ("2026-03-01 00:00:00", "2026-03-01T00:00:00"),
    ("2026-03-01 07:05", "2026-03-01T07:05:00"),
    ("2026-03-01 00:00:00.123456", "2026-03-01T00:00:00.123456"),
    ("2026-03-01 00:00:00.123456789", "2026-03-01T00:00:00.123456789"),
    ("2026-03-01 00:00:00+00:00", "2026-03-01T00:00:00"),
    ("2026-03-01 05:30:00.5+05:30", "2026-03-01T00:00:00.5"),
    ("2026-03-01 00:00:00Z", "2026-03-01T00:00:00"),
    ("2026-03-01 00:00:00.000 Z", "2026-03-01T00:00:00.000"),
    ("2026-03-01 00:00:00.000 +0000", "2026-03-01T00:00:00.000"),
    ("2026-02-28 16:00:00.000 -0800", "2026-03-01T00:00:00.000"),
    ("2026-02-28 16:00 -08:00", "2026-03-01T00:00:00"),
    ("0001-01-01T00:00:00", "0001-01-01T00:00:00"),
    ("9999-12-31T23:59:59.999999999", "9999-12-31T23:59:59.999999999"),
    ("2024-02-29T00:00:00", "2024-02-29T00:00:00"),
]
REFUSED = [
    ("1772323200", "ISO 8601"),
    ("20260301", "ISO 8601"),
    ("20260301T000000Z", "ISO 8601"),
    ("2026-03-01  00:00:00", "ISO 8601"),
    ("2026-03-01\t00:00:00", "ISO 8601"),
    ("2026-03-01\xa000:00:00", "ISO 8601"),
    ("2026-03-01 00:00:00 ", "ISO 8601"),
    ("2026-03-01 00:00:00  +0000", "ISO 8601"),
    ("2026-03-01 00:00:00 America/New_York", "ISO 8601"),
    ("2026-03-01T00:00:00 +0000", "ISO 8601"),
    ("2026-03-01 ", "ISO 8601"),
    ("2026-03-01 Z", "ISO 8601"),
    ("2026-03-01 24:00:00", "The last hour is 23"),
    ("2026-03-01 00:00:00 +24:00", "offset"),
    ("2026-W09-7", "ISO 8601"),
    ("2026-060", "ISO 8601"),
    ("2026-03", "ISO 8601"),
    ("2026-03-01T", "ISO 8601"),
    ("2026-03-01T00:00:00.", "ISO 8601"),
    ("2026-03-01T00:00:00\n", "ISO 8601"),
    (" 2026-03-01T00:00:00", "ISO 8601"),
    ("2026-03-01Z", "ISO 8601"),
    ("２０２６-03-01", "ISO 8601"),  # noqa: RUF001 - digits of another script are the point
    ("+02026-03-01T00:00:00", "ISO 8601"),
    ("'; DROP TABLE x; --", "ISO 8601"),
    ("", "ISO 8601"),
    ("2026-03-01T00:00:00.1234567890", "9 fraction digits"),
    ("2026-03-01T23:59:60", "Leap seconds"),
    ("2026-03-01T24:00:00", "The last hour is 23"),
    ("2026-02-29T00:00:00", "no such time"),
    ("2026-13-01T00:00:00", "no such time"),
    ("2026-03-01T00:60:00", "no such time"),
    ("0000-01-01T00:00:00", "no such time"),
    ("2026-03-01T00:00:00+24:00", "offset"),
    ("2026-03-01T00:00:00+01:60", "offset"),
    ("0001-01-01T00:00:00+00:01", "0001 to 9999"),
    ("9999-12-31T23:59:59-00:01", "0001 to 9999"),
]


@pytest.mark.parametrize(("written", "echoed"), TAKEN)
def test_a_timestamp_is_echoed_in_utc_with_every_digit_of_its_fraction(written: str, echoed: str) -> None:
    assert canonical(written) == echoed
    assert canonical(echoed) == echoed


@pytest.mark.parametrize(("written", "reason"), REFUSED)
def test_anything_else_is_refused_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        canonical(written)


def test_order_is_that_of_instants_not_of_texts() -> None:
    assert order("2026-03-01T00:00:00.5") == order("2026-03-01T00:00:00.500")
    assert order("2026-03-01T00:00:00.000000001") > order("2026-03-01T00:00:00")
    assert order("2026-03-01T00:00:00.09") < order("2026-03-01T00:00:00.1")


_moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))  # noqa: DTZ001 - the offset is added
_fractions = st.text(string.digits, max_size=9)
_offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)


@given(_moments, _fractions, _offsets, _moments, _fractions)
def test_converting_and_comparing_agree_with_exact_arithmetic(
    moment: datetime, fraction: str, offset: int, other: datetime, other_fraction: str
) -> None:
    sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
    text = f"{_write(moment, fraction)}{sign}{hours:02}:{minutes:02}"
    mine = _nanoseconds(moment - timedelta(minutes=offset), fraction)
    theirs = _nanoseconds(other, other_fraction)
    ours, others = canonical(text), canonical(_write(other, other_fraction))
    assert (order(ours) < order(others)) == (mine < theirs)
    assert ours.partition(".")[2] == fraction


@given(_moments.map(lambda moment: moment.replace(tzinfo=UTC)), _offsets)
def test_what_python_prints_is_read_as_what_it_is(moment: datetime, offset: int) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=offset)))
    assert canonical(str(local)) == canonical(local.isoformat()) == moment.replace(tzinfo=None).isoformat()


def _write(moment: datetime, fraction: str) -> str:
    return moment.isoformat(timespec="seconds") + (f".{fraction}" if fraction else "")


def _nanoseconds(moment: datetime, fraction: str) -> int:
    seconds = (moment.replace(microsecond=0, tzinfo=UTC) - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(
        seconds=1
    )
    return seconds * 10**9 + int(fraction.ljust(9, "0"))

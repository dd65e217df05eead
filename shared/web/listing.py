"""The list of jobs: all jobs as a stream, or page by page.

The list may be sorted oldest or newest first, and filtered by status. A page ends at ``limit`` jobs, or at
the first job that exceeds ``PAGE_BYTES``, so that memory stays bounded whatever the filters hold. Unknown
query parameters are errors, like unknown fields.
"""

import json
import re
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.web.answers import listed
from shared.web.errors import Fault, Invalid

MOST_PER_PAGE = 1_000
PAGE_BYTES = 8 * 1024 * 1024

# Every text of this form is a position in the list, so the document's pattern is complete.
CURSOR_PATTERN = r"^[0-9]{16}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ORDERS = ("asc", "desc")
_PARAMETERS = {"limit", "cursor", "status", "order"}
_LIMIT = re.compile(r"[0-9]{1,4}")

Entry = tuple[Job, list[FilterValue] | None, Counts | None]


@dataclass(frozen=True, slots=True)
class Page:
    """The requested part of the list and its order. The default is the whole list."""

    limit: int | None = None
    after: tuple[datetime, str] | None = None
    statuses: tuple[JobStatus, ...] = ()
    newest_first: bool = False


def read_page(query: MultiDict[str, str]) -> Page:
    """Read the query's parameters. Raises Invalid with all their faults."""
    faults = query_faults(query, _PARAMETERS)
    limit, cursor = read_limit(query, faults), query.get("cursor")
    after = None if cursor is None else _read_cursor(cursor)
    if cursor is not None and after is None:
        faults.append(_fault("cursor", "Give the cursor of a Link header", "cursor"))
    order = query.get("order", "asc")
    if order not in _ORDERS:
        faults.append(_fault("order", f"Give one of: {', '.join(_ORDERS)}", "order"))
    faults += _unknown_statuses(query.getlist("status"))
    if faults:
        raise Invalid(faults)
    # Each status once, in the order of a job's life, so that equal selections have equal Links.
    statuses = tuple(status for status in JobStatus if status in query.getlist("status"))
    return Page(limit, after, statuses, newest_first=order == "desc")


def query_faults(query: MultiDict[str, str], known: Collection[str]) -> list[Fault]:
    """Return the faults of the parameters' names."""
    faults: list[Fault] = []
    for name in query:
        if name not in known:
            faults.append(_fault(name, "Unknown query parameter", "extra_forbidden"))
        elif name != "status" and len(query.getlist(name)) > 1:
            faults.append(_fault(name, "Give the parameter once", "given_twice"))
    return faults


def read_limit(query: MultiDict[str, str], faults: list[Fault]) -> int | None:
    """Return the requested page length, or None. Append a fault if it is invalid."""
    limit = query.get("limit")
    if limit is None:
        return None
    if not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= MOST_PER_PAGE):
        faults.append(_fault("limit", f"Give an integer from 1 to {MOST_PER_PAGE}", "limit"))
        return None
    return int(limit)


def stream(entries: Iterator[Entry]) -> Generator[bytes, None, None]:
    """Yield the JSON array item by item. An error in the middle leaves it visibly incomplete."""
    separator = b"["
    for entry in entries:
        yield separator + item_bytes(entry)
        separator = b","
    yield b"]" if separator == b"," else b"[]"


def one_page(entries: Iterable[Entry], limit: int) -> tuple[bytes, Job | None]:
    """Return the page as a JSON array, and its last job if more follow. ``entries`` has one more than
    fits.
    """
    items: list[bytes] = []
    size = 0
    last: Job | None = None
    for entry in entries:
        if len(items) == limit or size > PAGE_BYTES:
            break
        items.append(item_bytes(entry))
        size += len(items[-1])
        last = entry[0]
    else:
        last = None
    return b"[" + b",".join(items) + b"]", last


def next_link(path: str, page: Page, last: Job) -> str:
    """Return the Link header's value. It is relative, because a function does not know its public host
    name.
    """
    query: list[tuple[str, str]] = [("status", status.value) for status in page.statuses]
    if page.newest_first:
        query.append(("order", "desc"))
    cursor = f"{(last.time_created - _EPOCH) // _MICROSECOND:016}_{last.job_id}"
    query += [("limit", str(page.limit)), ("cursor", cursor)]
    return f'<{path}?{urlencode(query)}>; rel="next"'


def item_bytes(entry: Entry) -> bytes:
    return json.dumps(listed(*entry), ensure_ascii=False).encode()


def _read_cursor(cursor: str) -> tuple[datetime, str] | None:
    if re.fullmatch(CURSOR_PATTERN, cursor) is None:
        return None
    microseconds, _, job_id = cursor.partition("_")
    return _EPOCH + int(microseconds) * _MICROSECOND, job_id


def _unknown_statuses(given: Sequence[str]) -> Iterator[Fault]:
    known = [status.value for status in JobStatus]
    for index, status in enumerate(given):
        if status not in known:
            message = f"Give one of: {', '.join(known)}"
            yield Fault(loc=["query", "status", index], msg=message, type="status")


def _fault(name: str, message: str, kind: str) -> Fault:
    return Fault(loc=["query", name], msg=message, type=kind)

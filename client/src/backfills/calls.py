"""The service's calls: each one's request, and how to parse its answer. Contains no input or output."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import BaseModel, TypeAdapter

from backfills.models import Created, Estimate, Job, ListedJob, Receipt, ReceiptChunk
from backfills.new import NewBackfill, body_of

T = TypeVar("T")
Item = TypeVar("Item", bound=BaseModel)

PATH = "/api/v1/beam/backfills"
PAGE = 200  # jobs or chunks per answer

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """``content`` is JSON."""

    method: str
    path: str
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """A complete answer. ``link``: the query of the next page, if there is one."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def link(self) -> Query | None:
        target, _, rest = self.headers.get("link", "").partition(">")
        if 'rel="next"' not in rest:
            return None
        # Use only the query: wherever a link points, the key goes only to the original address.
        return tuple(parse_qsl(urlsplit(target.lstrip("<")).query))


@dataclass(frozen=True)
class Call(Generic[T]):
    """``read`` raises ValueError for an answer that is not the service's.

    ``repeatable``: the call is idempotent, so the client may retry it after a lost answer.
    """

    request: Request
    read: Callable[[Reply], T]
    repeatable: bool = True


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list, and the query of the next part."""

    items: Sequence[Item]
    following: Query | None


def create(new: NewBackfill | Mapping[str, Any], key: str | None) -> Call[Created]:
    """Build the call. All attempts carry one key, so they create one job."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return Call(_post("", headers, body_of(new)), _reads(Created))


def estimate(new: NewBackfill | Mapping[str, Any]) -> Call[Estimate]:
    return Call(_post("/estimate", {}, body_of(new)), _reads(Estimate))


def get(job_id: str) -> Call[Job]:
    return Call(Request("GET", _path(job_id)), _reads(Job))


def cancel(job_id: str) -> Call[Job]:
    return _action(job_id, "cancel")


def pause(job_id: str) -> Call[Job]:
    return _action(job_id, "pause")


def resume(job_id: str) -> Call[Job]:
    return _action(job_id, "resume")


def retry(job_id: str) -> Call[Job]:
    """Build the call. It is not repeatable: the service would refuse the second one, because the job runs
    again.
    """
    return _action(job_id, "retry", repeatable=False)


def receipt(job_id: str) -> Call[Receipt]:
    return Call(Request("GET", _path(job_id, "receipt")), _reads(Receipt))


def first_jobs(statuses: Sequence[str], *, newest_first: bool) -> Query:
    """Return the query of the list's first page."""
    order = (("order", "desc"),) if newest_first else ()
    return (*(("status", status) for status in statuses), *order, ("limit", str(PAGE)))


def jobs(query: Query) -> Call[Page[ListedJob]]:
    adapter = TypeAdapter(list[ListedJob])
    return Call(
        Request("GET", PATH, query),
        lambda reply: Page(adapter.validate_json(reply.content), reply.link),
    )


FIRST_CHUNKS: Query = (("limit", str(PAGE)),)


def receipt_chunks(job_id: str, query: Query) -> Call[Page[ReceiptChunk]]:
    return Call(
        Request("GET", _path(job_id, "receipt", "chunks"), query),
        lambda reply: Page([ReceiptChunk.model_validate_json(line) for line in _lines(reply)], reply.link),
    )


def _lines(reply: Reply) -> Iterator[bytes]:
    return (line for line in reply.content.split(b"\n") if line.strip())


def _action(job_id: str, name: str, *, repeatable: bool = True) -> Call[Job]:
    return Call(Request("POST", _path(job_id, name)), _reads(Job), repeatable)


def _post(path: str, headers: Mapping[str, str], body: Any) -> Request:
    content = json.dumps(body, allow_nan=False).encode()
    return Request("POST", PATH + path, (), {"Content-Type": "application/json", **headers}, content)


def _path(*parts: str) -> str:
    """Build the path. A job's id is untrusted: it must not lead to another path, or to the list."""
    if parts[0].strip(".") == "":
        raise ValueError(f"Give a job's id, not {parts[0]!r}")
    return "/".join((PATH, *(quote(part, safe="") for part in parts)))


def _reads(kind: type[Item]) -> Callable[[Reply], Item]:
    return lambda reply: kind.model_validate_json(reply.content)

"""The messages between the functions. A Pub/Sub message carries one of them as JSON in its data."""

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from shared.domain.errors import MalformedMessage

NONE_LEFT: Final = -1

# Ids become parts of Firestore paths. Firestore reserves names between double underscores.
_ID = re.compile(r"(?!__.*__$)[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class StageJob:
    """Stage the job, continue its staging, or publish its undelivered chunks again.

    ``resumes``: how often the job had been resumed while it was staging. Messages of older releases do not
    say so.
    """

    organization_id: str
    job_id: str
    retry: int
    resumes: int = 0

    kind: ClassVar[str] = "stage"


@dataclass(frozen=True, slots=True)
class TearDownJob:
    """Remove the remains of an ended job."""

    organization_id: str
    job_id: str

    kind: ClassVar[str] = "tear_down"


@dataclass(frozen=True, slots=True)
class DeliverChunk:
    """Deliver one chunk to those of its job's destinations that do not have it yet.

    ``opening``: the opening of the lanes that published it. Messages of older releases have none.
    ``left``: the first chunk that its lane left behind, or NONE_LEFT. ``again``: the lane has returned to the
    chunks that it left behind.
    """

    organization_id: str
    job_id: str
    attempt_id: str
    retry: int
    chunk: int
    opening: int = 0
    left: int = NONE_LEFT
    again: bool = False

    kind: ClassVar[str] = "deliver"


Message = StageJob | TearDownJob | DeliverChunk

# Releases that do not know these fields refuse messages that have them.
_LEFT_OUT: dict[type[Message], dict[str, Any]] = {
    StageJob: {"resumes": 0},
    TearDownJob: {},
    DeliverChunk: {"left": NONE_LEFT, "again": False},
}
_DEFAULTS: dict[type[Message], dict[str, Any]] = {
    **_LEFT_OUT,
    DeliverChunk: {"opening": 0, **_LEFT_OUT[DeliverChunk]},
}

_to_json = json.JSONEncoder(separators=(",", ":")).encode

_KINDS: dict[str, type[Message]] = {kind.kind: kind for kind in (StageJob, TearDownJob, DeliverChunk)}


def to_data(message: Message) -> bytes:
    """Return the data of a Pub/Sub message."""
    fields, left_out = {name: getattr(message, name) for name in message.__slots__}, _LEFT_OUT[type(message)]
    written = {
        name: value for name, value in fields.items() if name not in left_out or left_out[name] != value
    }
    return _to_json({"kind": message.kind, **written}).encode()


def from_data(data: bytes) -> Message:
    """Read a message back. MalformedMessage says what is wrong if the service did not publish it."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage("the message is not JSON", detail=str(error)) from error
    if not isinstance(content, dict):
        raise MalformedMessage("the message is not a JSON object")
    kind = _KINDS.get(str(content.pop("kind", None)))
    if kind is None:
        raise MalformedMessage("the message's kind is unknown")
    return kind(**_checked(kind, content))


def _checked(kind: type[Message], content: dict[str, Any]) -> dict[str, Any]:
    fields = kind.__annotations__
    wanted = {name: annotation for name, annotation in fields.items() if name != "kind"}
    content = {**_DEFAULTS[kind], **content}
    if content.keys() != wanted.keys():
        raise MalformedMessage(f"a {kind.kind} message must have the fields {', '.join(sorted(wanted))}")
    for name, annotation in wanted.items():
        if type(content[name]) is not annotation:
            raise MalformedMessage(f"{name} of a {kind.kind} message is not {annotation.__name__}")
        if annotation is str and _ID.fullmatch(content[name]) is None:
            raise MalformedMessage(f"{name} of a {kind.kind} message is not a valid id")
    return content

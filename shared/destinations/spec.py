"""What all models of destinations have: they validate a request's, and describe them in the OpenAPI document.

Strict throughout, and unknown fields are refused: one may be a misspelt option.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from shared.domain.catalog import IDENTIFIER

DestinationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
ColumnName = Annotated[str, StringConstraints(pattern=f"^{IDENTIFIER}$", to_lower=True)]
SECRET_PATTERN = r"^[A-Za-z0-9_]{1,64}$"  # noqa: S105 - of their names
SecretName = Annotated[str, StringConstraints(pattern=SECRET_PATTERN)]


class Rules(Protocol):
    """What validation depends on besides the request; handed over as pydantic's context.

    ``insecure_addresses``: the local stack's switch for plain text and private addresses.
    ``aws_role_arn``: the role at Amazon that the service takes on by its own identity; empty: none.
    """

    @property
    def insecure_addresses(self) -> bool: ...

    @property
    def aws_role_arn(self) -> str: ...


def refusal(kind: str, reason: str) -> PydanticCustomError:
    """A fault under pydantic's name for it, in words for the client."""
    # The reason goes in as a value: it may hold braces, which a template would read as names.
    return PydanticCustomError(kind, "{reason}", {"reason": reason})


def checked(kind: str, check: Callable[[str], str], text: str) -> str:
    """What ``check`` makes of the text; its ValueError is a fault of this kind."""
    try:
        return check(text)
    except ValueError as error:
        raise refusal(kind, str(error)) from error


def whole(value: Any) -> Any:
    """To JSON Schema 3.0 is an integer, and some clients have no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Strict(BaseModel):
    """Refuses what pydantic would otherwise coerce, and fields that it does not have."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Place:
    """``field``: where a fault is told; ``values`` are hashable."""

    field: str
    values: tuple[str, ...]
    fault: str


class Spec(Strict):
    """The fields of one kind of destination, ``type`` and ``name`` first.

    All but those two and ``delivery`` are options, which are stored and echoed as they were given.
    """

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        """Make the model's schema exact by what this deployment takes."""

    @classmethod
    def place(cls, given: Mapping[str, Any]) -> "Place | None":  # noqa: ARG003 - for those that have one
        """What no other destination of the job may have, of fields as they were sent; None: nothing."""
        return None

    @classmethod
    def webhooks(cls) -> Mapping[str, Any]:
        """What the OpenAPI document says under ``webhooks`` of the requests that such a destination gets."""
        return {}

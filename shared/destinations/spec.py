"""The base of all models of destinations. They validate requests and describe them in the OpenAPI document.

All models are strict and reject unknown fields, because an unknown field may be a misspelt option.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from shared.domain.catalog import IDENTIFIER


def explained(sentence: str) -> WrapValidator:
    """Return a validator whose error is the sentence if a text does not match a pattern, which few people can
    read, or is none of the given words, which may be only one of a field's forms.
    """

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            kind = error.errors()[0]["type"]
            if kind not in {"string_pattern_mismatch", "literal_error"}:
                raise
            raise refusal(kind, sentence) from None

    return WrapValidator(check)


_PLAIN_NAME = "1 to 255 ASCII letters, digits, _ and $, without quotes, the first neither a digit nor $"
DestinationName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"),
    explained(
        "Give 1 to 100 ASCII letters, digits, full stops, hyphens and underscores, the first no full stop"
    ),
]
ColumnName = Annotated[
    str,
    StringConstraints(pattern=f"^{IDENTIFIER}$", to_lower=True),
    explained(f"Give a column's name: {_PLAIN_NAME}"),
]
FieldName = Annotated[
    str, StringConstraints(pattern=f"^{IDENTIFIER}$"), explained(f"Give a field's name: {_PLAIN_NAME}")
]
SECRET_PATTERN = r"^[A-Za-z0-9_]{1,64}$"  # noqa: S105 - a pattern of names
SecretName = Annotated[
    str,
    StringConstraints(pattern=SECRET_PATTERN),
    explained("Give the name of a secret: 1 to 64 ASCII letters, digits and underscores"),
]


class Rules(Protocol):
    """The settings that validation depends on, passed as pydantic's context.

    ``insecure_addresses``: the local stack's switch for plain text and private addresses.
    ``aws_role_arn``: the Amazon role that the service assumes with its own identity; empty: none.
    ``schema_registry``: whether the service has a schema registry of its own.
    """

    @property
    def insecure_addresses(self) -> bool: ...

    @property
    def aws_role_arn(self) -> str: ...

    @property
    def schema_registry(self) -> bool: ...


def refusal(kind: str, reason: str) -> PydanticCustomError:
    """Return a validation error with pydantic's type and a reason for the client."""
    # Pass the reason as a value: it may contain braces, which a template would read as names.
    return PydanticCustomError(kind, "{reason}", {"reason": reason})


def checked(kind: str, check: Callable[[str], str], text: str) -> str:
    """Return the result of ``check``. Its ValueError becomes a validation error of this type."""
    try:
        return check(text)
    except ValueError as error:
        raise refusal(kind, str(error)) from error


def whole(value: Any) -> Any:
    """Convert whole floats to int. JSON Schema counts 3.0 as an integer, and some clients have only
    floats.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Texts and objects of a union, tagged with words that are nobody's fields: an error's place leaves them out.
TEXT, OBJECT = "<text>", "<object>"


def by_shape(sentence: str) -> Discriminator:
    """Return what tells the two apart. The error for a value that is neither is the sentence."""
    return Discriminator(_shape, custom_error_type="text_or_object", custom_error_message=sentence)


def _shape(given: Any) -> str | None:
    return TEXT if isinstance(given, str) else OBJECT if isinstance(given, dict | BaseModel) else None


class Strict(BaseModel):
    """Rejects unknown fields, and values that pydantic would otherwise coerce."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def narrow(cls, schema: dict[str, Any], rules: Rules) -> None:
        """Restrict the model's schema to what this deployment accepts."""


Parts = tuple[type[Strict], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """``field``: the field that an error names; ``values`` are hashable."""

    field: str
    values: tuple[str, ...]
    fault: str


class Spec(Strict):
    """The fields of one kind of destination, ``type`` and ``name`` first.

    All fields except those two and ``delivery`` are options, stored and returned as given.
    """

    @classmethod
    def parts(cls) -> Parts:
        """Return the models of its fields whose schemas are to be narrowed, too."""
        return ()

    @classmethod
    def between(cls, given: Mapping[str, Any]) -> Iterator[PydanticCustomError]:  # noqa: ARG003 - for those that have some
        """Yield the faults between fields, from the fields as sent. A model's own validator would run only if
        all fields are valid.
        """
        yield from ()

    @classmethod
    def place(cls, given: Mapping[str, Any]) -> "Place | None":  # noqa: ARG003 - for those that have one
        """Return what must be unique among the job's destinations, from the fields as sent; None: nothing."""
        return None

    @classmethod
    def webhooks(cls) -> Mapping[str, Any]:
        """Return the OpenAPI document's ``webhooks``: the requests that such a destination receives."""
        return {}

"""The tables of a destination's fields in ``docs/destinations``, made from its model."""

from collections.abc import Mapping
from typing import Any

from shared.destinations.spec import Spec

_OF_ALL = {"type", "name"}


def table(spec: type[Spec]) -> str:
    """Return a row for each field: whether it is required, which values it takes, and what it is."""
    schema = spec.model_json_schema()
    lines = ["| field | | values | what it is |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        if name not in _OF_ALL:
            required = " required |" if name in schema["required"] else " |"
            lines.append(f"| `{name}` |{required} {values(field, schema)} | {field['description']} |")
    return "\n".join(lines) + "\n"


def values(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return what a field may be, in words; null is what it is without a value."""
    if "$ref" in field:
        return values(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if options := [
        one for one in (*field.get("anyOf", ()), *field.get("oneOf", ())) if one != {"type": "null"}
    ]:
        return " or ".join(values(one, schema) for one in options)
    if constants := field.get("enum") or ([field["const"]] if "const" in field else []):
        return ", ".join(f"`{one}`" for one in constants)
    return _plain(field)


def _plain(field: Mapping[str, Any]) -> str:  # noqa: PLR0911 - a line for each type
    match field["type"]:
        case "boolean":
            return "`true`, `false`"
        case "integer":
            return f"{field['minimum']:,} to {field['maximum']:,}"
        case "array":
            return f"{field['minItems']} to {field['maxItems']} texts"
        case "object" if "maxProperties" in field:
            return f"{field['minProperties']} to {field['maxProperties']} texts by name"
        case "object":
            return "an object"
        case "string" if "maxLength" in field:
            return f"a text, at most {field['maxLength']:,} characters"
        case _:
            return "a text"

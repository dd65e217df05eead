"""YAML with JSON's scalars.

By YAML's own rules an address like 0x83… is a number, ``no`` is false, and a time is not a string.
"""

# The stubs of PyYAML leave parameters untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import re
from typing import Any

import click
import yaml


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - the parent's
    # Other tags create times, binaries and sets, which are not JSON.
    yaml_constructors = {  # noqa: RUF012 - its parent's
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in {"null", "bool", "int", "float", "str", "seq", "map"}
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
    list("-0123456789"),
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name is None or name in found:
            problem = f"the field {name} appears twice" if name else "a field's name must be text"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        found[name] = loader.construct_object(value, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def parse(place: str, text: str) -> Any:
    """Parse the document to a JSON value. Raises UsageError, which says where the fault is."""
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - stricter than the safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise click.UsageError(f"{place} is not YAML: {error}") from error
    return found

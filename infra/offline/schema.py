"""Rebuild the schema of Terraform's google provider from a published package that was generated from it.

The package (`cdktn-provider-google`) has a JavaScript class for each resource and each nested block. Their
constructors, setters and `synthesize…` functions show every attribute's name and type, and whether it is
required, optional or computed. They do not show enums.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

_CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{(.*?)^\}", re.DOTALL | re.MULTILINE)
_SYNTHESIS = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{(.*?)^\}", re.DOTALL | re.MULTILINE)
_INPUT = re.compile(
    r'^\s+(\w+): \{\s*value: .*?,\s*isBlock: (true|false),\s*type: "(\w+)",\s*'
    r'storageClassType: "(\w+)",\s*\}',
    re.DOTALL | re.MULTILINE,
)
_FLAGS = re.compile(r"// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)")
_RESET = re.compile(r"^\s+reset(\w+)\(\) \{", re.MULTILINE)
_PART = re.compile(r'new (\w+)\(this, "(\w+)"')
_MAP = re.compile(r'new cdktn\.(\w+)\(this, "(\w+)"')
_GETTER = re.compile(r"this\.(get\w+Attribute)\(['\"](\w+)['\"]\)")

_SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
_COLLECTION = re.compile(r"(string|number|boolean|any)(List|Map|MapList)")
_GETTERS: Mapping[str, Any] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
    "getAnyMapAttribute": ["map", "string"],
}
_MAPS: Mapping[str, Any] = {
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "StringMapList": ["list", ["map", "string"]],
}


@dataclass(frozen=True, slots=True)
class _Input:
    """A configurable nested block or attribute, and its type in the package's terms."""

    is_block: bool
    collection: str
    stored: str


@dataclass(slots=True)
class _Source:
    """One resource's JavaScript, split into parts."""

    classes: dict[str, tuple[str, str]] = field(default_factory=dict)
    inputs: dict[str, dict[str, _Input]] = field(default_factory=dict)

    def of_block(self, name: str) -> tuple[str, dict[str, _Input]]:
        """Return the code and the inputs of a nested block's class."""
        _, code = self.classes.get(f"{name}OutputReference", ("", ""))
        return code, self.inputs.get(name.lower(), {})


def read_schema(javascript: str) -> Schema:
    """Return the schema of the one resource, data source or provider in a folder of the package, in the form
    of `providers schema -json`. Raises ValueError if the text has none.
    """
    source = _Source()
    for found in _SYNTHESIS.finditer(javascript):
        source.inputs[found[1].lower()] = _inputs(found[2])
    for found in _CLASS.finditer(javascript):
        source.classes[found[1]] = (found[2], found[3])
    for base, code in source.classes.values():
        if base in {"TerraformResource", "TerraformDataSource", "TerraformProvider"}:
            inputs = _inputs(code[code.index("synthesizeHclAttributes") :])
            return {"version": 0, "block": _block(code, inputs, source)}
    raise ValueError("no resource, data source or provider in this text")


def _inputs(code: str) -> dict[str, _Input]:
    return {
        name: _Input(block == "true", collection, stored)
        for name, block, collection, stored in _INPUT.findall(code)
    }


def _block(code: str, inputs: Mapping[str, _Input], source: _Source) -> Schema:
    flags = {name: tuple(flag == "true" for flag in rest) for name, *rest in _FLAGS.findall(code)}
    optional = {name.lower() for name in _RESET.findall(code)}
    for name in inputs.keys() - flags.keys():
        may_miss = name.replace("_", "") in optional
        flags[name] = (False, may_miss, not may_miss)
    parts = {name: kind for kind, name in _PART.findall(code)}
    attributes: Schema = {}
    blocks: Schema = {}
    for name, (computed, may_miss, required) in sorted(flags.items()):
        given = inputs.get(name)
        if given is not None and given.is_block:
            blocks[name] = _nested(name, given, parts.get(name, ""), source, required=required)
            continue
        attributes[name] = {"type": _type(name, given, parts.get(name), code, source)}
        described = {"required": required, "optional": may_miss, "computed": computed and not required}
        attributes[name] |= {word: True for word, holds in described.items() if holds}
    return {"attributes": attributes, "block_types": blocks}


def _nested(name: str, given: _Input, part: str, source: _Source, *, required: bool) -> Schema:
    code, inputs = source.of_block(re.sub(r"(List|Map)$", "", given.stored))
    if name == "timeouts":
        return {"nesting_mode": "single", "block": _block(code, inputs, source)}
    nested: Schema = {
        "nesting_mode": "set" if given.collection == "set" else "list",
        "block": _block(code, inputs, source),
    }
    if part.endswith("OutputReference"):
        nested["max_items"] = 1
    if required:
        nested["min_items"] = 1
    return nested


def _type(name: str, given: _Input | None, part: str | None, code: str, source: _Source) -> Any:
    if given is not None:
        return _given_type(given)
    maps = {attribute: kind for kind, attribute in _MAP.findall(code)}
    if name in maps:
        return _MAPS[maps[name]]
    getters = {attribute: getter for getter, attribute in _GETTER.findall(code)}
    if name in getters:
        return _GETTERS[getters[name]]
    # A computed attribute with parts is a list of objects.
    inner, inputs = source.of_block(re.sub(r"(List|Map)$", "", part or ""))
    if not inner:
        return ["list", "string"]
    return ["list", ["object", _object_types(_block(inner, inputs, source))]]


def _object_types(block: Schema) -> Schema:
    return {name: attribute["type"] for name, attribute in block["attributes"].items()}


def _given_type(given: _Input) -> Any:
    if given.collection == "simple":
        return _SCALARS.get(given.stored, "string")
    found = _COLLECTION.fullmatch(given.stored)
    if found is None or given.collection not in {"list", "set", "map"}:
        return "string"
    element: Any = _SCALARS[found[1]]
    return [given.collection, ["map", element] if found[2] == "MapList" else element]

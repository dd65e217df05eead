"""The tables of calls and options in ``docs/client.md``, made from signatures and docstrings."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import backfills
from backfills import Client, errors

_EXAMPLE = ">>> "
_RAISES = "Raises "
_OPTION = re.compile(r"``(\w+)``: (.*)")


def paragraphs(member: Any) -> list[str]:
    """Return the docstring's paragraphs, each on one line, without examples."""
    text = inspect.cleandoc(member.__doc__ or "")
    found = (" ".join(one.split()) for one in text.split("\n\n"))
    return [one for one in found if not one.startswith(_EXAMPLE)]


def calls() -> dict[str, Callable[..., Any]]:
    """Return the public methods in the order of the source."""
    return {
        name: member
        for name, member in vars(Client).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def errors_of(call: Callable[..., Any]) -> list[str]:
    """Return the names of the errors that the call's docstring names."""
    return [name for name in re.findall(r"\w+", _raises(call)) if hasattr(errors, name)]


def calls_table() -> str:
    """Return a row for each call: how it is called, what it returns, what it does, what it raises."""
    lines = ["| call | returns | what it does | raises |", "|---|---|---|---|"]
    for name, call in calls().items():
        signature = inspect.signature(call)
        raises = re.sub(r"\b([A-Z]\w+)\b", r"`\1`", _raises(call))
        lines.append(
            f"| `{name}({_parameters(signature)})` | {_returns(signature.return_annotation)} |"
            f" {_code(paragraphs(call)[0])} | {raises} |"
        )
    return "\n".join(lines) + "\n"


def options_table() -> str:
    """Return a row for each option of the constructor."""
    texts = dict(_options(Client))
    lines = ["| option | default | what it is |", "|---|---|---|"]
    for name, parameter in inspect.signature(Client).parameters.items():
        default = _default(name, parameter.default)
        lines.append(f"| `{name}` | {default} | {_code(texts[name])} |")
    return "\n".join(lines) + "\n"


def _options(kind: type) -> Iterator[tuple[str, str]]:
    for one in paragraphs(kind):
        if match := _OPTION.fullmatch(one):
            yield match[1], match[2]


def _default(name: str, default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    return f"`{backfills.Retries()!r}`" if name == "retries" else f"`{default!r}`"


def _parameters(signature: inspect.Signature) -> str:
    plain = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in signature.parameters.values()
        if one.name != "self"
    ]
    return str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))[1:-1]


def _returns(annotation: str) -> str:
    if annotation == "None":
        return ""
    item = re.fullmatch(r"Iterator\[(\w+)\]", annotation)
    return f"iterator of `{item[1]}`" if item else f"`{annotation}`"


def _raises(call: Callable[..., Any]) -> str:
    return "".join(
        one.removeprefix(_RAISES).rstrip(".") for one in paragraphs(call) if one.startswith(_RAISES)
    )


def _code(text: str) -> str:
    return text.replace("``", "`").rstrip(".")

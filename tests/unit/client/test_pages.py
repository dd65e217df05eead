"""The commands on the pages exist in the program."""

import re
import shlex
from pathlib import Path

import click
import pytest

from backfills.cli.app import app
from backfills.cli.exits import Exit
from backfills.cli.program import EPILOG

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/client.md").read_text()
DESTINATIONS = sorted((ROOT / "docs/destinations").glob("*.md"))
INTO_A_VARIABLE = re.compile(r'[A-Z_]+=\$\((.*)\)|eval "\$\((.*)\)"')


def commands() -> list[str]:
    """Return the pages' shell lines, with continued lines joined."""
    text = "\n".join([PAGE, *(page.read_text() for page in DESTINATIONS)])
    blocks = re.findall(r"<!-- tested: parses -->\n```bash\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > len(DESTINATIONS)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]
    found = [INTO_A_VARIABLE.fullmatch(line) for line in lines]
    return [(match[1] or match[2]) if match else line for match, line in zip(found, lines, strict=True)]


@pytest.mark.parametrize("line", commands())
def test_a_line_of_the_pages_parses(line: str) -> None:
    program, *arguments = shlex.split(re.split(" [<>] ", line)[0])
    assert program == "backfills"
    context = click.Context(app, info_name="backfills")
    name, command, rest = app.resolve_command(context, arguments)
    assert command is not None
    command.make_context(name, rest, parent=context)


def test_the_page_and_the_help_tell_every_exit_code() -> None:
    codes = {str(int(code)) for code in Exit}
    assert set(re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)) == codes
    assert set(re.findall(r"^  (\d+) ", EPILOG, re.MULTILINE)) == codes


def test_the_page_tells_every_command() -> None:
    table = PAGE.partition("| command | what it does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z]+)`(?=[, |])", table)) >= set(app.commands)


@pytest.mark.parametrize("name", sorted(app.commands))
def test_every_command_takes_json_but_the_one_that_prints_a_script(name: str) -> None:
    flags = {flag for parameter in app.commands[name].params for flag in parameter.opts}
    assert ("--json" in flags) == (name != "completion")

"""The recipes of docs/recipes.md, run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_SECONDS: Final = 240.0


@cache
def recipes() -> dict[str, str]:
    """The page's blocks that are to be tested, by their names; those of a list's item without its indent."""
    text = (ROOT / "docs/recipes.md").read_text()
    found = re.findall(
        r"^( *)<!-- tested: ([^\n]+) -->\n *```(?:bash|sql)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE
    )
    assert len({name for _, name, _ in found}) == len(found)
    return {name: re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, name, block in found}


def run(name: str, folder: Path, environment: Mapping[str, str]) -> str:
    """What the recipe prints when run in ``folder``; ``backfills`` is the command line of this checkout."""
    program = folder / "bin" / "backfills"
    if not program.exists():
        program.parent.mkdir()
        source = ROOT / "client/src"
        program.write_text(f'#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -m backfills "$@"\n')
        program.chmod(0o755)
    done = subprocess.run(  # noqa: S603 - the documentation's own lines
        ["bash", "-euo", "pipefail", "-c", recipes()[name]],  # noqa: S607 - whichever the reader has
        env={
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "no_proxy": "127.0.0.1",
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (name, done.returncode, done.stdout, done.stderr)
    return done.stdout

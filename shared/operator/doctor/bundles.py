"""A function's bundle, compared with a checkout."""

import io
import zipfile
from pathlib import Path
from typing import Final

# What is compiled can't be compared.
_NATIVE: Final = "backfills_native/"


def differing(content: bytes, function: str, root: Path) -> list[str]:
    """The files of the bundle, a zip, that are not those of the checkout at ``root``; ``function``: the name
    of its folder there.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return [
            entry
            for entry in bundle.namelist()
            if not entry.startswith(_NATIVE) and bundle.read(entry) != _ours(entry, function, root)
        ]


def _ours(entry: str, function: str, root: Path) -> bytes | None:
    at_its_root = entry in {"main.py", "requirements.txt"}
    path = root / "functions" / function / entry if at_its_root else root / entry
    # A name that leads elsewhere is no file of ours.
    is_ours = path.resolve().is_relative_to(root.resolve())
    return path.read_bytes() if is_ours and path.is_file() else None

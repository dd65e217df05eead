"""A function's bundle, compared with a checkout."""

import io
import zipfile
from pathlib import Path
from typing import Final

# Compiled files cannot be compared.
_NATIVE: Final = "backfills_native/"


def differing(content: bytes, function: str, root: Path) -> list[str]:
    """Return the files of the bundle, a zip, that differ from the checkout at ``root``; ``function`` is the
    name of its folder there.
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
    # A path that leads outside the checkout is not one of our files.
    is_ours = path.resolve().is_relative_to(root.resolve())
    return path.read_bytes() if is_ours and path.is_file() else None

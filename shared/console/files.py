"""The console's files, read and compressed once, at the first request.

All files except the page have a common path that changes with any of them. Browsers can therefore cache them
forever, and modules, which import each other relatively, always belong to one release.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC = "/console/static"
_FOLDER = Path(__file__).parent / "static"
_PAGE = "page.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_GZIP = 31  # zlib's code for the gzip format with the largest window
_VERSION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class File:
    """``packed`` is the content in gzip; ``tag`` identifies the content, without quotes."""

    media_type: str
    content: bytes
    packed: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Files:
    """The page, and the other files by the path that the page uses."""

    page: File
    static: Mapping[str, File]


@cache
def files() -> Files:
    """Return the files in ``static/``."""
    contents = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir())}
    page = contents.pop(_PAGE)
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    base = f"{STATIC}/{digest.hexdigest()[:_VERSION_DIGITS]}"
    modules = [
        f'<link rel="modulepreload" href="{base}/{name}">' for name in contents if name.endswith(".js")
    ]
    filled = page.replace(b"{base}", base.encode()).replace(b"{modules}", "\n".join(modules).encode())
    return Files(
        page=_file(_PAGE, filled),
        static={f"{base}/{name}": _file(name, content) for name, content in contents.items()},
    )


def _file(name: str, content: bytes) -> File:
    packer = zlib.compressobj(9, wbits=_GZIP)
    return File(
        media_type=_TYPES[Path(name).suffix],
        content=content,
        packed=packer.compress(content) + packer.flush(),
        tag=hashlib.sha256(content).hexdigest()[:_VERSION_DIGITS],
    )

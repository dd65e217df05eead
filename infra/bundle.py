"""Build each function's deployable bundle: ``python -m infra.bundle [--into dist] [--function api]``.

``--native FOLDER`` adds the native encoder's package from there to the bundles of functions that import it.

A bundle is a zip with the function's main.py and requirements.txt at its root, the modules of shared/ that it
imports directly or indirectly, and their packages' ``static`` folders. The same commit gives the same bytes
on any machine: files are stored uncompressed, sorted by name, with one time and one mode.
"""

import argparse
import ast
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PACKAGE = "shared"
_NATIVE = "backfills_native"
# The earliest time that a zip can represent.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3


def functions(root: Path = ROOT) -> list[str]:
    """Return the names of all functions."""
    return sorted(file.parent.name for file in (root / "functions").glob("*/main.py"))


def contents(function: str, root: Path = ROOT, native: Path | None = None) -> dict[str, Path]:
    """Return the bundle's files: their paths by their names in it."""
    folder = root / "functions" / function
    files = {"main.py": folder / "main.py", "requirements.txt": folder / "requirements.txt"}
    waiting = [files["main.py"]]
    while waiting:
        for file in _imported(waiting.pop(), root):
            name = file.relative_to(root).as_posix()
            if name not in files:
                files[name] = file
                waiting.append(file)
    for package in [file.parent for file in files.values() if file.name == "__init__.py"]:
        files |= {file.relative_to(root).as_posix(): file for file in package.glob("static/*")}
    if native is not None and any(_imports_native(file) for file in files.values()):
        compiled = (native / _NATIVE).rglob("*.so")
        files |= {
            file.relative_to(native).as_posix(): file
            for file in (*compiled, native / _NATIVE / "__init__.py")
        }
    return dict(sorted(files.items()))


def write(function: str, into: Path, root: Path = ROOT, native: Path | None = None) -> Path:
    """Write the function's bundle into a folder; return its path."""
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{function}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for name, file in contents(function, root, native).items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            bundle.writestr(entry, file.read_bytes())
    return path


def _imported(file: Path, root: Path) -> Iterator[Path]:
    """Yield the files of our own package that a module's imports load, wherever in the module they are."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name imported from a package may be one of its modules.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                for length in range(1, len(parts) + 1):
                    yield from _files(root.joinpath(*parts[:length]))


def _imports_native(file: Path) -> bool:
    return file.suffix == ".py" and any(
        isinstance(node, ast.Import) and _NATIVE in (alias.name for alias in node.names)
        for node in ast.walk(ast.parse(file.read_bytes()))
    )


def _files(path: Path) -> Iterator[Path]:
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    yield from (file for file in candidates if file.is_file())


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.bundle", description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    parser.add_argument("--function", choices=functions(), action="append")
    parser.add_argument("--native", type=Path, help="the folder with the native encoder's package")
    options = parser.parse_args(arguments)
    if options.native and not list((options.native / _NATIVE).glob("*.so")):
        parser.error(f"{options.native} does not contain {_NATIVE}")
    for function in options.function or functions():
        path = write(function, options.into, native=options.native)
        count = len(contents(function, native=options.native))
        sys.stdout.write(f"{path.name}: {count} files, {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])

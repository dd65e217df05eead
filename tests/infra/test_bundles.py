"""Each function's bundle: the same bytes from the same source, with only what it imports."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from infra import bundle
from infra.offline.build import ROOT


def _names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as file:
        return set(file.namelist())


@pytest.mark.parametrize("function", bundle.functions())
def test_two_builds_are_byte_for_byte_the_same(function: str, bundles: Path, tmp_path: Path) -> None:
    """The second build uses a copy with other times and modes, like another machine's checkout."""
    elsewhere = tmp_path / "elsewhere"
    for folder in ("functions", "shared"):
        shutil.copytree(ROOT / folder, elsewhere / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in elsewhere.rglob("*.py"):
        file.chmod(0o777)
        os.utime(file, (0, 0))
    again = bundle.write(function, tmp_path / "dist", root=elsewhere)
    assert again.read_bytes() == (bundles / f"{function}.zip").read_bytes()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a folder with a package like the native encoder's."""
    folder = tmp_path / "native"
    (folder / "backfills_native").mkdir(parents=True)
    for name in ("__init__.py", "__init__.pyi", "backfills_native.abi3.so"):
        (folder / "backfills_native" / name).write_text("")
    return folder


def test_the_native_encoder_goes_where_it_is_imported(package: Path, bundles: Path, tmp_path: Path) -> None:
    with_it = {
        function
        for function in bundle.functions()
        if "backfills_native/backfills_native.abi3.so"
        in _names(bundle.write(function, tmp_path / "dist", native=package))
    }
    assert with_it == {"deliver"}
    added = _names(tmp_path / "dist/deliver.zip") - _names(bundles / "deliver.zip")
    assert added == {"backfills_native/__init__.py", "backfills_native/backfills_native.abi3.so"}


def test_a_folder_without_the_native_encoder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bundle.main(["--into", str(tmp_path), "--native", str(tmp_path)])
    assert "does not contain backfills_native" in capsys.readouterr().err


def test_a_changed_line_changes_the_bundles_that_have_it(bundles: Path, tmp_path: Path) -> None:
    for folder in ("functions", "shared"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "shared/adapters/snowflake.py").open("a") as file:
        file.write("# changed\n")
    changed = {
        function
        for function in bundle.functions()
        if bundle.write(function, tmp_path / "dist", root=tmp_path).read_bytes()
        != (bundles / f"{function}.zip").read_bytes()
    }
    assert changed == {"stage", "sweep"}


@pytest.mark.parametrize("function", bundle.functions())
def test_a_bundle_is_laid_out_as_the_platform_wants_it(function: str, bundles: Path) -> None:
    names = _names(bundles / f"{function}.zip")
    assert {"main.py", "requirements.txt"} <= names
    assert all(name.startswith("shared/") for name in names - {"main.py", "requirements.txt"})


def test_a_bundle_holds_only_what_its_function_imports(bundles: Path) -> None:
    api, deliver, sweep = (_names(bundles / f"{name}.zip") for name in ("api", "deliver", "sweep"))
    assert not any("snowflake" in name or "encoding" in name for name in api)
    assert not any("snowflake" in name or name.startswith("shared/web/") for name in deliver)
    assert not any(name.startswith(("shared/encoding/", "shared/web/")) for name in sweep)
    assert not any("operator" in name for name in api | deliver | sweep)


def test_the_consoles_files_are_in_the_apis_bundle_alone(bundles: Path) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "shared/console/static").iterdir()}
    assert "shared/console/static/page.html" in files
    assert files <= _names(bundles / "api.zip")
    for function in set(bundle.functions()) - {"api"}:
        assert not any("console" in name for name in _names(bundles / f"{function}.zip"))


def test_what_a_function_imports_late_is_in_its_bundle(bundles: Path) -> None:
    """The staging function imports its wiring only at its first request."""
    assert "shared/adapters/snowflake.py" in _names(bundles / "stage.zip")

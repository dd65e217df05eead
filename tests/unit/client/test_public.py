"""The package exports its public names, and docs/client.md shows them as they are."""

import builtins
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import backfills
from backfills import AsyncClient, Client, errors, models
from backfills.errors import BackfillsError, Fault, LimitReached
from backfills.tries import _REFUSALS
from tests.generated import check_table
from tests.unit.client import methods_table

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs/client.md"
LIBRARY = DOCUMENT.read_text().partition("\n## Library\n")[2]
EXPORTED = set(backfills.__all__)
CLASSES = [one for module in (errors, models) for one in vars(module).values() if inspect.isclass(one)]


def test_every_error_and_every_answer_is_exported() -> None:
    found = {one.__name__ for one in CLASSES if issubclass(one, BackfillsError | models.Answer | Fault)}
    assert {"Conflict", "Cost"} <= found
    assert found | {"Status"} <= EXPORTED


def test_every_exported_name_is_there_and_is_completed() -> None:
    for name in EXPORTED:
        assert getattr(backfills, name) is not None
    assert set(dir(backfills)) >= EXPORTED
    with pytest.raises(AttributeError, match="Nothing"):
        _ = backfills.Nothing  # type: ignore[attr-defined]  # type checkers find it too


def test_the_page_names_only_what_is_exported() -> None:
    """Names of other packages have their package before them."""
    imported = re.findall(r"^from backfills import (.+)$", LIBRARY, re.MULTILINE)
    named = set(re.findall(r"`([A-Z][a-z]\w*)(?:\(.*\))?`", LIBRARY)) | set(", ".join(imported).split(", "))
    assert {"Client", "NewBackfill", "LimitReached"} <= named
    assert named - EXPORTED - set(dir(builtins)) == set()


def test_type_checkers_read_the_packages_types() -> None:
    assert (Path(backfills.__file__).parent / "py.typed").exists()


def test_importing_the_errors_loads_neither_httpx_nor_pydantic() -> None:
    program = "import sys; from backfills import Conflict; print({'httpx', 'pydantic'} & sys.modules.keys())"
    done = subprocess.run(  # noqa: S603 - this test's own line
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "client/src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "set()\n"


def _tree(kind: type[BackfillsError], lead: str = "") -> list[tuple[str, str]]:
    """Return the beginning of each line of the tree below a class, and the class's name."""
    found: list[tuple[str, str]] = []
    kinds = kind.__subclasses__()
    for one in kinds:
        last = one is kinds[-1]
        found.append((f"{lead}{'└' if last else '├'}── {one.__name__}", one.__name__))
        found += _tree(one, lead + ("    " if last else "│   "))
    return found


def test_the_tree_of_errors_is_that_of_the_classes_and_of_the_page() -> None:
    text = inspect.cleandoc(errors.__doc__ or "")
    tree = inspect.cleandoc(text.partition("::\n\n")[2].partition("\n\n")[0])
    first, *lines = tree.splitlines()
    assert first == "BackfillsError"
    expected = _tree(BackfillsError)
    assert [re.match(r"[│├└─ ]*\w+", line)[0] for line in lines] == [lead for lead, _ in expected]  # type: ignore[index]
    statuses = {kind.__name__: str(status) for status, kind in _REFUSALS.items()}
    assert dict(zip((name for _, name in expected), lines, strict=True)).keys() >= statuses.keys()
    for (_, name), line in zip(expected, lines, strict=True):
        assert statuses.get(name, "") in line
    check_table(DOCUMENT, f"{tree}\n```\n")


def test_the_page_lists_the_calls_and_options_as_they_are() -> None:
    check_table(DOCUMENT, methods_table.calls_table())
    check_table(DOCUMENT, methods_table.options_table())


@pytest.mark.parametrize("name", methods_table.calls())
def test_both_clients_have_the_same_calls(name: str) -> None:
    wait, loop = getattr(Client, name), getattr(AsyncClient, {"close": "aclose"}.get(name, name))
    assert methods_table.paragraphs(wait) == methods_table.paragraphs(loop)
    parameters = [inspect.signature(one).parameters for one in (wait, loop)]
    assert parameters[0] == parameters[1]


def test_both_clients_have_the_same_options() -> None:
    wait, loop = ([(one.name, one.default) for one in inspect.signature(kind).parameters.values()]
                  for kind in (Client, AsyncClient))  # fmt: skip
    assert wait == loop
    assert methods_table.paragraphs(Client)[1:] == methods_table.paragraphs(AsyncClient)[1:]


def test_the_deprecated_name_means_the_new_class() -> None:
    with pytest.warns(DeprecationWarning, match="use LimitReached"):
        from backfills.errors import TooManyJobs  # noqa: PLC0415 - the import warns
    assert TooManyJobs is LimitReached
    assert "TooManyJobs" in DOCUMENT.read_text()
    assert "TooManyJobs" in (ROOT / "CHANGELOG.md").read_text()
    with pytest.raises(AttributeError, match="Nothing"):
        _ = errors.Nothing  # type: ignore[attr-defined]  # type checkers find it too

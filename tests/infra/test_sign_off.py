"""A plan is signed off if it removes nothing irreplaceable and equals the agreed one."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.release.sign_off import KEPT, main


def _change(kind: str, name: str, *actions: str) -> dict[str, Any]:
    return {"address": f"module.some.{kind}.{name}", "type": kind, "change": {"actions": list(actions)}}


def _plan(folder: Path, *changes: dict[str, Any]) -> str:
    path = folder / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": changes}))
    return str(path)


def test_a_plan_that_only_adds_and_changes_is_signed_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = _plan(
        tmp_path,
        _change("google_pubsub_topic", "new", "create"),
        _change("google_cloudfunctions2_function", "api", "update"),
        _change("google_storage_bucket", "same", "no-op"),
    )
    main([plan])
    assert capsys.readouterr().out.splitlines() == [
        "create module.some.google_pubsub_topic.new",
        "update module.some.google_cloudfunctions2_function.api",
    ]


@pytest.mark.parametrize("kind", sorted(KEPT))
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_what_holds_data_is_neither_removed_nor_replaced(
    tmp_path: Path, kind: str, actions: list[str]
) -> None:
    with pytest.raises(SystemExit, match=f"it would remove module.some.{kind}.one"):
        main([_plan(tmp_path, _change(kind, "one", *actions))])


def test_a_function_may_be_replaced(tmp_path: Path) -> None:
    main([_plan(tmp_path, _change("google_cloudfunctions2_function", "api", "delete", "create"))])


def test_nothing_to_do_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([_plan(tmp_path)])
    assert capsys.readouterr().out == "nothing to do\n"


def test_the_plan_that_was_agreed_on_passes(tmp_path: Path) -> None:
    plan, agreed = _plan(tmp_path, _change("google_pubsub_topic", "new", "create")), tmp_path / "actions.json"
    main([plan, "--write", str(agreed)])
    main([plan, "--agreed", str(agreed)])


def test_a_plan_that_became_another_one_does_not(tmp_path: Path) -> None:
    agreed = tmp_path / "actions.json"
    main([_plan(tmp_path, _change("google_pubsub_topic", "new", "create")), "--write", str(agreed)])
    later = _plan(
        tmp_path,
        _change("google_pubsub_topic", "new", "create"),
        _change("google_project_iam_member", "somebody", "create"),
    )
    with pytest.raises(SystemExit, match=r"google_project_iam_member\.somebody"):
        main([later, "--agreed", str(agreed)])

"""The doctor's input files and options."""

import json
from pathlib import Path

import pytest

from shared.operator.__main__ import main
from shared.operator.doctor.installation import read_installation
from tests.fakes.google_project import GoogleProject


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "example")


def told() -> dict[str, object]:
    """Return Terraform's output as JSON."""
    found = GoogleProject(url="http://127.0.0.1:1").installation()
    return {name: getattr(found, name) for name in found.__slots__}


def test_what_terraform_tells_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "installation.json"
    path.write_text(json.dumps(told() | {"of_a_later_release": 1}))
    assert read_installation(path) == GoogleProject(url="http://127.0.0.1:1").installation()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        (json.dumps(told() | {"project": 1, "urls": []}), "lacks project, urls: write it with `terraform"),
    ],
)
def test_an_installation_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    path = tmp_path / "installation.json"
    if text is not None:
        path.write_text(text)
    assert main(["doctor", "--installation", str(path)]) == 1
    assert f"{path} {says}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read: No such file or directory"),
        ("bootstrap.servers=broker:9096", "is not JSON"),
        ("[]", "is not a JSON object"),
    ],
)
def test_an_administrator_of_kafka_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    path = tmp_path / "kafka-admin.json"
    if text is not None:
        path.write_text(text)
    assert main(["doctor", "--kafka-admin", str(path)]) == 1
    assert f"{path} {says}" in capsys.readouterr().err


def test_an_area_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--only", "weather"])
    assert "invalid choice: 'weather'" in capsys.readouterr().err

"""Terraform without a cloud, and its deployment of each environment."""

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import bundle
from infra.offline.build import SCHEMA
from infra.offline.setup import missing_terraform
from infra.offline.terraform import Terraform, offline
from tests.infra.deployed import Deployment, copy_configuration, deploy

Deploy = Callable[[str], Deployment]
Edited = Callable[[str, str, str], Path]
Changed = Callable[..., Deployment]


@pytest.fixture(scope="session")
def terraform() -> Iterator[Terraform]:
    if fault := missing_terraform():
        pytest.fail(fault, pytrace=False)
    if not SCHEMA.is_file():
        pytest.fail("run .venv/bin/python -m infra.offline.setup first, once", pytrace=False)
    with offline() as terraform:
        yield terraform


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every function's bundle."""
    folder = tmp_path_factory.mktemp("bundles")
    for function in bundle.functions():
        bundle.write(function, folder)
    return folder


@pytest.fixture(scope="session")
def configuration(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an initialized copy of the configuration, which tests must not change."""
    folder = copy_configuration(tmp_path_factory.mktemp("terraform") / "infra")
    terraform.must(folder, "init", "-backend=false", "-input=false", "-no-color")
    return folder


@pytest.fixture(scope="session")
def deployed(terraform: Terraform, configuration: Path, bundles: Path) -> Deploy:
    """Return a function that builds each environment's deployment once."""
    return functools.cache(lambda environment: deploy(terraform, configuration, environment, bundles))


@pytest.fixture
def edited(configuration: Path, tmp_path: Path) -> Edited:
    """Return a function that copies the configuration and replaces a text: file, was, becomes."""

    def edit(name: str, was: str, becomes: str) -> Path:
        folder = tmp_path / "infra"
        shutil.copytree(configuration, folder)
        text = (folder / name).read_text()
        assert was in text
        (folder / name).write_text(text.replace(was, becomes))
        return folder

    return edit


@pytest.fixture(scope="session")
def changed(terraform: Terraform, configuration: Path, bundles: Path, deployed: Deploy) -> Changed:
    """Return a function that deploys dev with some values changed, once with the same ones."""

    @functools.cache
    def once(values: str) -> Deployment:
        return deploy(terraform, configuration, "dev", bundles, **json.loads(values))

    return lambda **values: once(json.dumps(values, sort_keys=True)) if values else deployed("dev")

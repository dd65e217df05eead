"""The two builds as text: their commands exist, their images are pinned, and they do what they say."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.offline.build import ROOT
from tests.infra.conftest import Deploy
from tests.infra.deployed import ENVIRONMENTS

BUILDS = ("cloudbuild.yaml", "infra/deploy.yaml")
_BUILD_KEYS = {"substitutions", "steps", "timeout", "options"}
_STEP_KEYS = {"id", "name", "entrypoint", "args"}
_OPTIONS = {"machineType", "logging", "dynamicSubstitutions"}
_GIVEN = {"COMMIT_SHA", "PROJECT_ID"}


def _read(build: str) -> Any:
    return yaml.safe_load((ROOT / build).read_text())


def _step(build: str, name: str) -> str:
    """Return everything that a step passes to its entry point."""
    (found,) = [step for step in _read(build)["steps"] if step["id"] == name]
    return "\n".join(found["args"])


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_build_has_the_shape_that_cloud_build_takes(build: str) -> None:
    content = _read(build)
    assert content.keys() == _BUILD_KEYS
    assert content["options"].keys() <= _OPTIONS
    assert re.fullmatch(r"\d+s", content["timeout"])
    names = [step["id"] for step in content["steps"]]
    assert len(set(names)) == len(names)
    for step in content["steps"]:
        assert step.keys() == _STEP_KEYS
        assert all(isinstance(argument, str) for argument in step["args"])


def test_every_image_is_pinned(build: str) -> None:
    for step in _read(build)["steps"]:
        assert re.search(r":\d+\.\d+\.\d+(-[a-z]+)?$", step["name"]), step["name"]


def test_all_steps_have_one_version_of_gcloud() -> None:
    """Google removes each version's images after a year, so all are raised together."""
    names = {step["name"] for build in BUILDS for step in _read(build)["steps"]}
    versions = {name.rsplit(":", maxsplit=1)[1].split("-")[0] for name in names if "google-cloud-cli" in name}
    assert len(versions) == 1


def test_the_tests_have_the_gcloud_commands_that_they_ask_about() -> None:
    """The image with the emulators has the beta commands, and the build installs the others."""
    text = (ROOT / "docs/operations.md").read_text()
    tracks = set(re.findall(r"^gcloud (alpha|preview) ", text, re.MULTILINE))
    installed = re.findall(r"gcloud components install --quiet (\w+)", _step("cloudbuild.yaml", "test"))
    assert tracks == set(installed)


def test_terraform_is_the_version_that_the_configuration_asks_for(build: str) -> None:
    asked = re.search(r'required_version = "~> (\d+\.\d+)"', (ROOT / "infra/versions.tf").read_text())
    assert asked is not None
    images = {step["name"] for step in _read(build)["steps"] if "terraform" in step["name"]}
    assert len(images) == 1
    assert images.pop().startswith(f"hashicorp/terraform:{asked[1]}.")


def test_every_substitution_is_known_and_used(build: str) -> None:
    content = _read(build)
    texts = [argument for step in content["steps"] for argument in step["args"]]
    texts += content["substitutions"].values()
    used = {name for text in texts for name in re.findall(r"(?<!\$)\$\{?(\w+)\}?", text)}
    assert used <= _GIVEN | content["substitutions"].keys(), "a shell's own variable is written $$name"
    # The region is for the reader of the build's last line, or for the caller.
    assert content["substitutions"].keys() - used <= {"_REGION"}


def test_everything_that_is_run_is_there(build: str) -> None:
    for step in _read(build)["steps"]:
        text = " ".join(step["args"])
        for module in re.findall(r"-m (infra[\w.]+)", text):
            assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module
        for script in re.findall(r"bash (\S+)", text):
            assert (ROOT / script).is_file(), script
        for name in re.findall(r"environments/\$\{_ENVIRONMENT\}(\.\S+)", text):
            for environment in ENVIRONMENTS:
                assert (ROOT / "infra/environments" / f"{environment}{name}").is_file(), name


def test_a_release_is_tested_before_it_is_kept() -> None:
    order = [step["id"] for step in _read("cloudbuild.yaml")["steps"]]
    assert order == ["terraform", "test", "native", "bundles", "audit", "plan", "sign-off", "keep"]
    assert ".ci/run" in _step("cloudbuild.yaml", "test")
    assert "apply" not in (ROOT / "cloudbuild.yaml").read_text()


def test_the_tests_have_the_memory_and_the_time_that_they_need() -> None:
    content = _read("cloudbuild.yaml")
    # Cloud Build's machines in GB: cloud.google.com/build/pricing.
    memory = {"E2_MEDIUM": 4, "E2_STANDARD_2": 8, "E2_HIGHCPU_8": 8, "E2_HIGHCPU_32": 32}
    # The Makefile starts all test processes above this much.
    [wanted] = re.findall(r"< (\d+)e6\) \? 4 : 5", (ROOT / "Makefile").read_text())
    assert memory[content["options"]["machineType"]] > int(wanted) + 2
    # GitHub's machine, which is no faster, runs the same tests alone.
    [minutes] = re.findall(r"timeout-minutes: (\d+)", (ROOT / ".github/workflows/ci.yml").read_text())
    assert int(content["timeout"].removesuffix("s")) >= 60 * int(minutes)


def test_a_deployment_applies_the_plan_that_was_signed_off() -> None:
    order = [step["id"] for step in _read("infra/deploy.yaml")["steps"]]
    assert order == ["fetch", "plan", "sign-off", "apply", "smoke-test"]
    assert "--agreed dist/actions.json" in _step("infra/deploy.yaml", "sign-off")
    assert "terraform apply -input=false ../dist/plan\n" in _step("infra/deploy.yaml", "apply")


def test_what_a_release_keeps_is_what_a_deployment_fetches() -> None:
    folder = re.search(r'"(gs://\S+/releases/\$COMMIT_SHA/)"', _step("cloudbuild.yaml", "keep"))
    assert folder is not None
    assert f'"{folder[1]}*"' in _step("infra/deploy.yaml", "fetch")


def test_the_triggers_run_these_builds(deployed: Deploy) -> None:
    for environment in ENVIRONMENTS:
        triggers = {
            trigger.values["name"]: trigger
            for trigger in deployed(environment).of("google_cloudbuild_trigger")
        }
        release, deploy = triggers["backfills-release"], triggers["backfills-deploy"]
        assert release.values["filename"] == "cloudbuild.yaml"
        assert deploy.block("git_file_source")["path"] == "infra/deploy.yaml"
        for trigger, build in ((release, "cloudbuild.yaml"), (deploy, "infra/deploy.yaml")):
            assert trigger.values["substitutions"].keys() <= _read(build)["substitutions"].keys()
            assert trigger.values["substitutions"]["_ENVIRONMENT"] == environment
        approval = deploy.block("approval_config")["approval_required"]
        assert approval is (environment == "prod")


def test_each_environment_keeps_its_state_apart() -> None:
    files = [ROOT / "infra/environments" / f"{environment}.gcs.tfbackend" for environment in ENVIRONMENTS]
    buckets = {re.search(r'bucket = "(\S+)"', file.read_text())[1] for file in files}  # type: ignore[index]
    projects = {_project(ROOT / "infra/environments" / f"{name}.tfvars") for name in ENVIRONMENTS}
    assert buckets == {f"{project}-terraform" for project in projects}
    assert len(buckets) == len(ENVIRONMENTS)


def _project(file: Path) -> str:
    found = re.search(r'^project += "(\S+)"', file.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]

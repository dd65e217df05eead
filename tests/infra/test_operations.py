"""docs/operations.md: every command runs unchanged."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infra.offline.build import ROOT
from shared.destinations.kafka.names import topic_name
from shared.operator.__main__ import main as operate
from tests.fakes.web import Service
from tests.infra.conftest import Deploy
from tests.infra.deployed import ENVIRONMENTS

DOCUMENT = ROOT / "docs/operations.md"
_HERE = re.compile(r"<<'(\w+)'[^\n]*\n.*?\n\1\n", re.DOTALL)


def _commands() -> list[list[str]]:
    """Return the commands of all shell blocks as words, with the variables' example values."""
    variables: dict[str, str] = {}
    commands = []
    for block in re.findall(r"```bash\n(.*?)```", DOCUMENT.read_text(), re.DOTALL):
        for line in _HERE.sub("\n", block).splitlines():
            filled = _filled(line, variables)
            # A pipe's target is a separate command, and so is a command substitution.
            inner = re.findall(r"\$\(([^)]*)\)", filled)
            for command in [*re.split(r" \| ", filled), *inner]:
                words = shlex.split(command.split(" > ")[0])
                if words and words[0] == "export":
                    variables |= dict(word.split("=", maxsplit=1) for word in words[1:])
                elif words:
                    commands.append(words)
    return commands


def _filled(line: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda match: variables[match[1]], line)


def _of(program: str) -> list[list[str]]:
    found = [words for words in _commands() if Path(words[0]).name == program]
    assert found
    return found


def test_only_programs_are_called_that_a_reader_has_or_is_told_to_get() -> None:
    programs = {Path(words[0]).name for words in _commands()}
    own = {"cat", "curl", "make", "openssl", "printf", "python", "python3", "rm"}
    assert programs == own | {"gcloud", "kafka-acls.sh", "terraform"}


def test_make_has_the_targets() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    mentioned = {words[1] for words in _of("make")} | set(
        re.findall(r"`make ([a-z-]+)`", DOCUMENT.read_text())
    )
    assert mentioned <= set(targets)


def _told_elsewhere() -> Iterator[list[str]]:
    """Return gcloud commands on the other pages, without their pipes: indented, within a sentence, or in a
    block that grants the service something.
    """
    for document in (ROOT / "docs").rglob("*.md"):
        text = document.read_text()
        for block in re.findall(r"<!-- tested: grants -->\n```bash\n(.*?)```", text, re.DOTALL):
            yield from (shlex.split(line) for line in block.splitlines() if line.startswith("gcloud "))
        for line in re.findall(r"^ +(gcloud .*)|`(gcloud [^`]+)`", text, re.MULTILINE):
            words = shlex.split(line[0] or line[1])
            yield words[: words.index("|")] if "|" in words else words


def test_gcloud_takes_its_commands(tmp_path: Path) -> None:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        pytest.skip("gcloud is not on the path: its own check of commands can't be asked")
    elsewhere = list(_told_elsewhere())
    assert len(elsewhere) > 20
    commands = [shlex.join(words) for words in [*_of("gcloud"), *elsewhere]]
    file = tmp_path / "commands.md"
    file.write_text("\n".join(["```", *commands, "```", ""]))
    check = [gcloud, "meta", "lint-gcloud-commands", f"--commands-text-file={file}"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(commands) > 20
    wrong = [f"{one['command_string']}: {one['error_message']}" for one in verdicts if not one["success"]]
    assert wrong == []


def _declared(module: Path) -> list[tuple[str, str]]:
    texts = [file.read_text() for file in module.glob("*.tf")]
    return re.findall(r'^resource "(\w+)" "(\w+)"', "\n".join(texts), re.MULTILINE)


def test_terraform_is_given_files_modules_and_outputs_that_are_there(deployed: Deploy) -> None:
    for words in _of("terraform"):
        assert words[1] == "-chdir=infra"
        for word in words[2:]:
            option, _, value = word.partition("=")
            if option in {"-var-file", "-backend-config"}:
                assert (ROOT / "infra" / value).is_file(), value
            elif option == "-target":
                module, _, resource = value.removeprefix("module.").partition(".")
                folder = ROOT / "infra/modules" / module
                assert folder.is_dir(), value
                declared = {f"{kind}.{name}" for kind, name in _declared(folder)}
                assert not resource or resource in declared, value
        if words[2] == "output":
            assert words[-1] in deployed("dev").outputs


def test_our_own_modules_take_their_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    for words in [*_of("python"), *(words for words in _of("python3") if "-m" in words)]:
        module = words[words.index("-m") + 1]
        assert list((ROOT / module.replace(".", "/")).parent.glob(f"{module.rsplit('.', maxsplit=1)[-1]}*"))
        if module == "shared.operator":
            with pytest.raises(SystemExit) as ended:
                operate([*words[words.index(module) + 1 :], "--help"])
            assert ended.value.code == 0, capsys.readouterr().err


def test_the_credentials_example_is_what_the_clients_take(tmp_path: Path) -> None:
    text = DOCUMENT.read_text()
    script = re.search(r"<<'PYTHON' > snowflake.json\n(.*?)PYTHON", text, re.DOTALL)
    kafka = re.search(r"<<'JSON'\n(.*?)JSON", text, re.DOTALL)
    assert script is not None
    assert kafka is not None
    (tmp_path / "snowflake.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    printed = subprocess.run(
        [sys.executable, "-"], input=script[1], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(printed.stdout)["authenticator"] == "SNOWFLAKE_JWT"
    assert json.loads(kafka[1])["security.protocol"] == "SASL_SSL"


def test_the_first_job_is_one_that_the_api_takes() -> None:
    body = re.search(r"cat > job.json <<'JSON'\n(.*?)JSON", DOCUMENT.read_text(), re.DOTALL)
    assert body is not None
    Service().created(json.loads(body[1]))


def test_a_reader_of_topics_sees_its_own_organizations_alone() -> None:
    (topics,) = [words for words in _of("kafka-acls.sh") if "--topic" in words]
    prefix = topics[topics.index("--topic") + 1]
    assert topics[topics.index("--resource-pattern-type") + 1] == "prefixed"
    assert topic_name("acme", "transfers").startswith(prefix)
    assert not topic_name("acme2", "transfers").startswith(prefix)


def test_what_rests_during_a_restore_is_all_that_is_called(deployed: Deploy) -> None:
    lines = [" ".join(words) for words in _of("gcloud")]
    updates = [line for line in lines if "subscriptions update" in line]
    rest = {line.split()[4] for line in updates if line.endswith("--push-endpoint=")}
    assert rest == {one.values["name"] for one in deployed("dev").of("google_pubsub_subscription")}
    (job,) = deployed("dev").of("google_cloud_scheduler_job")
    for verb in ("pause", "resume"):
        assert any(line.startswith(f"gcloud scheduler jobs {verb} {job.values['name']} ") for line in lines)


def test_the_credentials_for_terraform_get_the_projects_quota() -> None:
    """They take the quota project of the moment of their login, and gcloud may then know another project."""
    lines = [" ".join(words) for words in _of("gcloud")]
    project = next(
        line.rsplit(maxsplit=1)[1] for line in lines if line.startswith("gcloud config set project")
    )
    order = [
        f"gcloud config set project {project}",
        "gcloud auth application-default login",
        f"gcloud auth application-default set-quota-project {project}",
    ]
    places = [lines.index(line) for line in order]
    assert places == sorted(places)
    apply = next(number for number, words in enumerate(_commands()) if "apply" in words)
    assert _commands().index(order[-1].split()) < apply


def test_a_restore_exports_into_the_bucket_that_nobody_reads(deployed: Deploy) -> None:
    (bucket,) = [
        one for one in deployed("dev").of("google_storage_bucket") if one.address.endswith(".exports")
    ]
    lines = [words for words in _of("gcloud") if words[1] == "firestore" and words[2] in {"export", "import"}]
    assert len(lines) == 4
    assert {words[3].split("/")[2] for words in lines} == {bucket.values["name"]}


def test_the_backups_are_looked_for_where_each_environment_has_its_database(deployed: Deploy) -> None:
    text = " ".join(DOCUMENT.read_text().split())
    [others] = re.findall(r"`LOCATION` is the environment's `firestore_location`: `(\w+)` in prod", text)
    [example] = re.findall(r"export LOCATION=(\S+)", text)
    found = {
        name: deployed(name).of("google_firestore_database")[0].values["location_id"] for name in ENVIRONMENTS
    }
    assert found == {"dev": example, "staging": example, "prod": others}


def test_a_restored_database_does_not_stay() -> None:
    lines = [" ".join(words) for words in _of("gcloud")]
    [restore] = [line for line in lines if line.startswith("gcloud firestore databases restore ")]
    name = restore.rsplit("--destination-database=", maxsplit=1)[1]
    assert f"gcloud firestore databases delete --database={name}" in lines


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", DOCUMENT.read_text()):
        assert (DOCUMENT.parent / target).exists(), target


def test_every_variable_it_names_is_one() -> None:
    declared = re.findall(r'^variable "(\w+)"', (ROOT / "infra/variables.tf").read_text(), re.MULTILINE)
    table = DOCUMENT.read_text().split("What bounds them:")[1].split("\n\n")[1]
    named = re.findall(r"`(\w+)[\w.]*` \|$", table, re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= set(declared)

"""The pages of docs/destinations: every kind, the same sections, and only what the code does and says."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_string
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from backfills.cli.app import app
from backfills.cli.body import join
from infra.local import names
from infra.local.kafka_rights import ONCE
from infra.local.receiver import is_signed
from shared.destinations import KINDS, destination
from shared.destinations.kafka.names import topic_of
from shared.destinations.labels import labels, row_id
from shared.destinations.pubsub.sink import MOST_BYTES as MOST_OF_PUBSUB
from shared.destinations.sns.sink import MOST_BYTES as MOST_OF_SNS
from shared.destinations.spec import Spec
from shared.destinations.webhook.flight import Parcel
from shared.destinations.webhook.request import headers_of, request_id
from shared.steps.sending import ChunkDelivery
from tests.fakes.sending import NumberedBatch, delivery_to
from tests.fakes.web import Service
from tests.shown import block

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/destinations"
SECTIONS = ["## Create", "## Fields", "## What is guaranteed", "## What goes wrong"]
SECRET = b"whole-words"


def page(kind: str) -> str:
    return (FOLDER / f"{kind}.md").read_text()


def created(kind: str) -> dict[str, Any]:
    """Return the request of the page's only command."""
    text = block(f"docs/destinations/{kind}.md", "parses", "bash").replace("\\\n", " ")
    (line,) = [line for line in text.splitlines() if line]
    _, name, *arguments = shlex.split(line)
    context = app.commands[name].make_context(name, arguments, parent=click.Context(app))
    return join({}, context.params)


def message(kind: str) -> tuple[dict[str, str], str]:
    """Return the page's example: its headers, or what the kind has instead, and its body."""
    text = block(f"docs/destinations/{kind}.md", "message", "text")
    head, _, body = text.removeprefix("POST /rows HTTP/1.1\n").partition("\n\n")
    return dict(line.split(": ", maxsplit=1) for line in head.splitlines()), body.removesuffix("\n")


def delivery(kind: str) -> ChunkDelivery:
    """Return a chunk 0 of the page's job, with the ids that its example shows."""
    shown, _ = message(kind)
    (fields,) = created(kind)["destinations"]
    ids = {"job": "", "attempt": "", "uid": ""}
    if found := shown.get("Nats-Msg-Id") or shown.get("webhook-id"):
        ids["job"], ids["attempt"], _, ids["uid"], _ = found.split("_")
    ids["job"] = ids["job"] or shown.get("beam-job-id", "job")
    target = destination(**fields, uid=ids["uid"])
    return replace(
        delivery_to(target, 25), job_id=ids["job"], attempt_id=ids["attempt"], chunk=0, organization_id="acme"
    )


def test_the_table_has_every_kind_and_links_to_its_page() -> None:
    text = (FOLDER / "README.md").read_text()
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\) \|", text, re.MULTILINE)
    assert listed == [(kind, kind) for kind in KINDS]
    assert {path.stem for path in FOLDER.glob("*.md")} == {"README", *KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_says_which_delivery_is_possible_the_default_first(kind: str) -> None:
    (row,) = re.findall(
        rf"^\| \[`{kind}`\]\S+ \| ([^|]+) \|", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    spoken = {"exactly once": "exactly_once", "at least once": "at_least_once"}
    told = [spoken[one.removesuffix(" on request")] for one in row.split("; ")]
    assert told == possible(KINDS[kind].spec())


def possible(spec: type[Spec]) -> list[str]:
    field = spec.model_json_schema()["properties"]["delivery"]
    options = next(one for one in (*field.get("anyOf", ()), field) if "enum" in one or "const" in one)
    return list(options.get("enum") or [options["const"]])


@pytest.mark.parametrize(("kind", "most"), [("pubsub", MOST_OF_PUBSUB), ("sns", MOST_OF_SNS)])
def test_the_table_says_how_large_a_row_may_be(kind: str, most: int) -> None:
    (row,) = re.findall(rf"^\| \[`{kind}`\].*$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert f"| {most:,} bytes, " in row


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_has_the_sections_in_their_order(kind: str) -> None:
    headings = re.findall(r"^## .*$", page(kind), re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
    assert headings[0] == SECTIONS[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_of_a_page_creates_a_job_of_its_kind(kind: str) -> None:
    body = created(kind)
    assert [one["type"] for one in body["destinations"]] == [kind]
    Service().created(body)


@pytest.mark.parametrize("kind", KINDS)
def test_the_row_of_a_page_has_the_fields_that_its_command_chooses(kind: str) -> None:
    _, body = message(kind)
    found = json.loads(body)
    (row,) = found if isinstance(found, list) else [found]
    assert list(row) == created(kind)["columns"]
    assert json.dumps(found, separators=(",", ":")) == body


@pytest.mark.parametrize("kind", ["kafka", "external_kafka"])
def test_a_message_of_kafka_has_the_key_column_as_its_key(kind: str) -> None:
    shown, body = message(kind)
    assert shown == {"key": json.loads(body)["unique_id"]}


def test_the_topic_of_kafka_is_the_organizations_own() -> None:
    assert f"organization `acme` in topic `{topic_of(delivery('kafka'))}`" in page("kafka")


@pytest.mark.parametrize("kind", ["pubsub", "sns"])
def test_a_message_has_the_attributes_that_identify_it(kind: str) -> None:
    assert message(kind)[0] == labels(delivery(kind), 7)


def test_a_message_of_nats_has_the_headers_that_identify_it() -> None:
    one = delivery("nats")
    assert message("nats")[0] == {"Nats-Msg-Id": row_id(one, 7), **labels(one, 7)}


def test_a_request_of_a_webhook_has_its_id_and_both_signatures() -> None:
    shown, body = message("webhook")
    parcel = Parcel(0, NumberedBatch(0, 1, 1, keyed=False))
    expected = headers_of(
        body.encode(),
        identifier=request_id(delivery("webhook"), parcel),
        timestamp=int(shown["webhook-timestamp"]),
        nonce=shown["X-Webhook-Nonce"],
        secret=SECRET,
    )
    assert shown == expected
    assert f"signed with the secret `{SECRET.decode()}`" in page("webhook")
    head = "".join(f"{name}: {value}\n" for name, value in shown.items())
    assert is_signed(message_from_string(head), body.encode(), SECRET)


# What the code says.


@cache
def sentences(kind: str) -> list[str]:
    """Return the texts in the code of a kind, with an ellipsis for each value.

    A dependency that is not available is a sentence, as Unavailable makes one of it.
    """
    kinds = {kind, "kafka"} if kind == "external_kafka" else {kind}
    files = [*(ROOT / "shared/destinations").glob("*.py"), *(ROOT / "shared/steps").glob("*.py")]
    files += [ROOT / "shared/domain/oversized.py"]
    for one in kinds:
        files += (ROOT / "shared/destinations" / one).glob("*.py")
    return [text for file in files for text in _texts(ast.parse(file.read_text()))]


def _texts(tree: ast.Module) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if node not in docstrings and (text := _text(node)):
            yield text
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"Unavailable", "Untrusted"}
            and node.args
        ):
            yield f"{_text(node.args[0])} is not available at the moment"


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "…" for value in values)
        case _:
            return ""


def quotes(kind: str) -> list[str]:
    section = page(kind).split("\n## What goes wrong\n")[1].split("\n## ")[0]
    return re.findall(r"^\| (?:fails|waits|422): (.*?) \|", section, re.MULTILINE)


def is_said(quote: str, sentence: str) -> bool:
    """Return whether the sentence has the quote's parts in their order; an ellipsis stands for a value."""
    parts = [re.escape(part) for part in quote.split("…")]
    return re.search(".+?".join(parts), sentence) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_quotes_what_the_code_says(kind: str) -> None:
    section = page(kind).split("\n## What goes wrong\n")[1].split("\n## ")[0]
    found = quotes(kind)
    assert len(found) == len(re.findall(r"^\| ", section, re.MULTILINE)) - 1 >= 4
    assert [quote for quote in found if len(quote.replace("…", "")) < 15] == []
    assert [quote for quote in found if not any(is_said(quote, one) for one in sentences(kind))] == []


def test_a_quote_with_another_word_is_noticed() -> None:
    assert is_said("There is no topic …", "There is no topic …")
    assert not is_said("There was no topic …", "There is no topic …")
    assert not is_said("… topic There", "There is no topic …")


# What the places' owners grant.


def granted(kind: str) -> list[list[str]]:
    """Return the commands of the page's grants as words."""
    lines = block(f"docs/destinations/{kind}.md", "grants", "bash").splitlines()
    return [shlex.split(line) for line in lines if not line.startswith("export ")]


def test_amazon_takes_the_commands_operations_and_parameters() -> None:
    session = botocore.session.get_session()
    for program, service, command, *rest in granted("sns"):
        assert program == "aws"
        model = session.get_service_model(service)
        (operation,) = [one for one in model.operation_names if xform_name(one, "-") == command]
        shape = model.operation_model(operation).input_shape
        assert shape is not None
        members = {xform_name(name, "-"): name for name in shape.members}
        given = dict(zip(rest[::2], rest[1::2], strict=True))
        given.pop("--region", None)
        assert {name.removeprefix("--") for name in given} <= members.keys()
        assert {f"--{xform_name(name, '-')}" for name in shape.required_members} <= given.keys()


def test_the_policy_at_amazon_allows_to_publish_to_the_jobs_topic() -> None:
    (policy,) = [words[-1] for words in granted("sns") if "put-user-policy" in words]
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sns:Publish")
    (target,) = created("sns")["destinations"]
    assert statement["Resource"] == target["topic_arn"]
    (topic,) = [words[-1] for words in granted("sns") if "create-topic" in words]
    assert target["topic_arn"].endswith(f":{topic}")


_ACL = re.compile(
    r"kafka-acls\.sh --bootstrap-server \$BOOTSTRAP --command-config admin\.properties --add --force "
    r"--allow-principal User:backfills (?P<prefixed>--resource-pattern-type prefixed )?"
    r"--(?P<resource>[a-z-]+) (?P<name>\S+)(?P<operations>( --operation \w+)+)"
)


def test_the_cluster_grants_what_the_local_stacks_user_has() -> None:
    """The tests deliver with that user's permissions to a broker that enforces them."""
    create, *acls = [" ".join(words) for words in granted("external_kafka")]
    (target,) = created("external_kafka")["destinations"]
    topic = target["topic"]
    assert f" --create --if-not-exists --topic {topic} " in create
    found = set()
    for line in acls:
        match = _ACL.fullmatch(line)
        assert match is not None, line
        pattern = "PREFIXED" if match["prefixed"] else "LITERAL"
        kind = match["resource"].replace("-", "_").upper()
        for operation in match["operations"].replace("--operation", "").split():
            found.add((kind, match["name"], pattern, re.sub("(?<=[a-z])(?=[A-Z])", "_", operation).upper()))
    assert found == {
        (kind, topic if name == names.EXPORTS else name, pattern, operation)
        for kind, name, pattern, operation in ONCE
    }

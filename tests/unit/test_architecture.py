"""The table of messages in docs/architecture.md names what the code and the deployment have."""

import re
from pathlib import Path
from typing import get_args

import pytest

from shared.domain.messages import Message
from shared.operator.doctor.expectations import DEAD_LETTERS, MOST_ATTEMPTS, PUBLISHERS, SUBSCRIPTIONS

ROOT = Path(__file__).parents[2]
STEPS = ROOT / "shared/steps"
DELIVER = {name for name in SUBSCRIPTIONS.values() if name.startswith("deliver")}
MESSAGES = {kind.__name__: kind for kind in get_args(Message)}


def table() -> dict[str, list[str]]:
    """Return the rows by their first cell: message, topic, publishers, function, step, contents."""
    text = (ROOT / "docs/architecture.md").read_text()
    rows = text.split("\n| message | topic |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return {first.strip("`"): rest for first, *rest in cells}


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def linked(cell: str) -> set[str]:
    """Return the names of the linked steps."""
    return set(re.findall(r"\(\.\./shared/steps/(\w+)\.py\)", cell))


def test_every_message_is_in_the_table_and_dead_letters_are_its_last_row() -> None:
    assert list(table()) == [*MESSAGES, f"any of these, after {MOST_ATTEMPTS} attempts"]


def test_the_topics_are_those_of_the_subscriptions_with_their_functions() -> None:
    found: dict[str, str] = {}
    for topics, _, functions, *_ in table().values():
        found |= zip(quoted(topics), quoted(functions), strict=True)
    assert found == SUBSCRIPTIONS


def test_the_publishers_of_a_topic_are_those_that_may() -> None:
    found: dict[str, set[str]] = {}
    for topics, publishers, *_ in table().values():
        for topic in quoted(topics):
            found.setdefault(topic, set()).update(quoted(publishers))
    assert found.pop(DEAD_LETTERS) == set(), "Pub/Sub publishes these"
    for topic in found:
        if SUBSCRIPTIONS[topic] in DELIVER:  # it publishes the next chunk to its own topic
            found[topic] -= DELIVER - {SUBSCRIPTIONS[topic]}
    assert found == PUBLISHERS


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_its_fields_and_the_steps_that_publish_it(name: str) -> None:
    _, publishers, _, _, fields = table()[name]
    assert quoted(fields) == [field for field in MESSAGES[name].__annotations__ if field != "kind"]
    texts = {file.stem: file.read_text() for file in STEPS.glob("*.py")}
    assert linked(publishers) == {
        step for step, text in texts.items() if name in text and ".publish(" in text
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_the_function_of_a_message_has_its_step(name: str) -> None:
    _, _, functions, step, _ = table()[name]
    [module] = {function.partition("-")[0] for function in quoted(functions)}
    wiring = (ROOT / f"shared/bootstrap/{module}.py").read_text()
    [handled] = re.findall(r"Handle\(\{(.*)\}", wiring)
    assert f"{name}: " in handled
    [stem] = linked(step)
    assert f"from shared.steps.{stem} import" in wiring


def test_dead_letters_reach_their_step() -> None:
    [stem] = linked(list(table().values())[-1][3])
    assert f"from shared.steps.{stem} import" in (ROOT / "shared/bootstrap/dead_letter.py").read_text()

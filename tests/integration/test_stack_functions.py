"""Functions under the stack get messages as they would from Pub/Sub, and come back when they die."""

import itertools
import json
import os
import signal
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psutil
import pytest
import urllib3

from infra.local import names
from infra.local.calls import call
from infra.local.options import FUNCTIONS, StackOptions
from infra.local.supervisor import LocalStack
from tests.integration.toy_functions import Toys, publish, wait_until, write_toys

pytestmark = pytest.mark.emulator

CONCURRENCY = 3
SWEEP_PAUSE = 0.5


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    return write_toys(tmp_path_factory.mktemp("functions"))


@pytest.fixture(scope="module")
def toy_stack(toys: Toys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    options = StackOptions(
        folder=tmp_path_factory.mktemp("stack"),
        parts=frozenset((*FUNCTIONS, "pubsub", "dispatcher")),
        functions_folder=toys.folder,
        concurrency={"stage": 1, "deliver": CONCURRENCY, "dead_letter": 1},
        most_attempts=5,
        minimum_backoff=0.1,
        maximum_backoff=0.2,
        sweep_pause=SWEEP_PAUSE,
    )
    with LocalStack(options) as stack:
        yield stack


def calls(toys: Toys, function: str, job: str, event: str = "begin") -> list[dict[str, Any]]:
    of_function = toys.calls(function, event)
    return [call for call in of_function if call["body"]["message"]["attributes"]["job"] == job]


def bodies(toys: Toys, function: str, job: str) -> list[dict[str, Any]]:
    return [call["body"] for call in calls(toys, function, job)]


def living_in_group(group: int) -> list[int]:
    living = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                living.append(process.pid)
        except (ProcessLookupError, psutil.Error):
            continue
    return living


def test_a_message_reaches_its_function_once_with_its_attempt(toys: Toys, toy_stack: LocalStack) -> None:
    job = str(uuid4())
    publish(toy_stack, names.STAGE_TOPIC, [{"job": job, "status": "204"}])
    wait_until(lambda: bool(bodies(toys, "stage", job)))
    publish(toy_stack, names.STAGE_TOPIC, [{"job": "later"}])
    wait_until(lambda: bool(bodies(toys, "stage", "later")))
    (body,) = bodies(toys, "stage", job)
    assert body["deliveryAttempt"] == 1
    assert body["subscription"] == f"projects/{names.PROJECT}/subscriptions/{names.STAGE_TOPIC}"


def test_what_a_function_refuses_comes_again_and_then_to_the_dead_letters(
    toys: Toys, toy_stack: LocalStack
) -> None:
    job = str(uuid4())
    publish(toy_stack, names.STAGE_TOPIC, [{"job": job, "status": "503"}])
    wait_until(lambda: bool(bodies(toys, "dead_letter", job)))
    assert [body["deliveryAttempt"] for body in bodies(toys, "stage", job)] == [1, 2, 3, 4, 5]
    message = bodies(toys, "dead_letter", job)[0]["message"]
    assert message["attributes"]["CloudPubSubDeadLetterSourceSubscription"] == names.STAGE_TOPIC


def test_no_more_messages_are_in_flight_than_the_concurrency(toys: Toys, toy_stack: LocalStack) -> None:
    job, count = str(uuid4()), 4 * CONCURRENCY
    # Each takes longer than the next pull, also on a busy machine.
    publish(toy_stack, names.CHUNKS_TOPIC, [{"job": job, "seconds": "1.5"}] * count)
    wait_until(lambda: len(calls(toys, "deliver", job, "end")) == count)
    marks = [(call["time"], 1) for call in calls(toys, "deliver", job)]
    marks += [(call["time"], -1) for call in calls(toys, "deliver", job, "end")]
    in_flight, most = 0, 0
    for _, step in sorted(marks):
        in_flight += step
        most = max(most, in_flight)
    assert most == CONCURRENCY


def test_a_killed_function_is_started_again_and_held_requests_use_up_no_attempt(
    toys: Toys, toy_stack: LocalStack
) -> None:
    job = str(uuid4())
    url, pid = toy_stack.endpoints["functions"]["deliver"].values()
    os.killpg(pid, signal.SIGKILL)
    # A request that a dying process has accepted is lost with it, and does use up an attempt.
    wait_until(lambda: not living_in_group(pid))
    publish(toy_stack, names.CHUNKS_TOPIC, [{"job": job}] * 10)
    wait_until(lambda: len(bodies(toys, "deliver", job)) >= 10)
    assert [body["deliveryAttempt"] for body in bodies(toys, "deliver", job)] == [1] * 10

    def told() -> dict[str, Any]:
        functions = json.loads(toy_stack.layout.endpoints_file.read_text())["functions"]
        return dict(functions["deliver"])

    wait_until(lambda: told()["pid"] != pid)
    assert told()["url"] == url
    assert os.getpgid(told()["pid"]) == told()["pid"]


def test_a_killed_leader_takes_its_worker_with_it(toy_stack: LocalStack) -> None:
    pid = toy_stack.pid("api")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: toy_stack.pid("api") not in {pid, None})
    wait_until(lambda: living_in_group(pid) == [])
    # Only now: the dying worker may have answered until then.
    toy_stack.wait_ready("api")
    wait_until(lambda: _answers(f"{toy_stack.endpoints['api_url']}/health"))


def _answers(url: str) -> bool:
    try:
        return call("GET", url, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_a_message_in_the_hands_of_a_function_that_is_killed_comes_again(
    toys: Toys, toy_stack: LocalStack
) -> None:
    job = str(uuid4())
    publish(toy_stack, names.CHUNKS_TOPIC, [{"job": job, "seconds": "5"}])
    wait_until(lambda: len(bodies(toys, "deliver", job)) == 1)
    toy_stack.kill("deliver")
    wait_until(lambda: len(bodies(toys, "deliver", job)) == 2)
    assert [body["deliveryAttempt"] for body in bodies(toys, "deliver", job)] == [1, 2]


def test_the_sweep_is_called_at_its_pace(toys: Toys, toy_stack: LocalStack) -> None:
    assert toy_stack.pid("sweep")
    before = len(toys.calls("sweep"))
    wait_until(lambda: len(toys.calls("sweep")) >= before + 3)
    times = [call["time"] for call in toys.calls("sweep")]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > SWEEP_PAUSE * 0.8

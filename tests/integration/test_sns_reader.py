"""docs/destinations/sns.md tells the fields that there are, and its reader stores each row once."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infra.local import amazon as local
from infra.local import names
from shared.destinations.sns.sink import SnsLimits
from shared.destinations.sns.spec import SnsDestination
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to
from tests.fakes.sns_sinks import new_topic, sns_destination, sns_sink
from tests.fakes.web import Service, backfill

TEXT = (Path(__file__).parents[2] / "docs/destinations/sns.md").read_text()


def test_its_fields_are_those_of_the_destination() -> None:
    table = TEXT.split("\n| field |", maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
    told = {name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split(" | ")[0])}
    assert told == SnsDestination.model_fields.keys()


def test_its_example_is_accepted_and_its_limits_hold() -> None:
    (example, *_) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    Service().created(backfill(destinations=[json.loads(example)]))
    limits = SnsLimits(least=0.0)
    assert f"no answer within {limits.request:.0f} seconds" in TEXT
    assert f"tried again: {limits.tries} times" in TEXT


@pytest.mark.emulator
def test_its_reader_stores_each_row_once(amazon: dict[str, Any], tmp_path: Path) -> None:
    (program,) = re.findall(r"<!-- tested: reader -->\n```python\n(.*?)```", TEXT, re.DOTALL)
    url = amazon["aws_url"]
    topic = new_topic(url)
    delivery = delivery_to(sns_destination(url, topic), 25)
    for _ in range(2):
        assert sns_sink().deliver(delivery, NumberedRows(25), SteadyPulse())
    environment = os.environ | {
        "QUEUE_URL": local.queue_url(url, topic),
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": names.AWS_REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as reader:  # noqa: S603 - the documentation's own lines
        try:
            deadline = time.monotonic() + 60
            while left := local.messages_left(url, topic):
                assert time.monotonic() < deadline, f"{left} messages are not read"
                assert reader.poll() is None
                time.sleep(0.05)
        finally:
            reader.kill()
    with closing(sqlite3.connect(tmp_path / "rows.db")) as store:
        kept = store.execute(
            "SELECT job, chunk, CAST(number AS INTEGER), body FROM rows ORDER BY 3"
        ).fetchall()
    assert [(job, chunk, number) for job, chunk, number, _ in kept] == [
        (delivery.job_id, "3", row) for row in range(25)
    ]
    assert [json.loads(body)["row"] for *_, body in kept] == list(range(25))

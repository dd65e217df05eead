"""Metrics come from the functions' log entries, and every alert names a runbook."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import pytest

from infra.offline.build import ROOT
from shared.config import Settings, read
from shared.domain.events import Audited, Event
from tests.infra.conftest import Deploy
from tests.infra.deployed import ENVIRONMENTS, Deployment, plain
from tests.infra.properties_of_messaging import seconds
from tests.infra.told import environment as told_to

# The events, and their fields in a log entry.
EVENTS = {
    event.name: {field.name for field in dataclasses.fields(event)}
    | ({"audit"} if issubclass(event, Audited) else set())
    for event in Event.__args__
}
RUNBOOKS = ROOT / "docs/runbooks"
PAGE = ROOT / "docs/observability.md"


@pytest.fixture(scope="module")
def deployment(deployed: Deploy) -> Deployment:
    return deployed("prod")


def _runbooks(deployment: Deployment) -> set[str]:
    """Return the runbooks that the alerts and the budget name."""
    texts = [one.block("documentation")["content"] for one in deployment.of("google_monitoring_alert_policy")]
    texts += [one.values["display_name"] for one in deployment.of("google_billing_budget")]
    found = [re.search(r"docs/runbooks/([a-z-]+\.md)", text) for text in texts]
    assert all(found), "an alert names no runbook"
    return {match[1] for match in found if match}


def test_every_event_is_counted_or_measured(deployment: Deployment) -> None:
    counted = set()
    for metric in deployment.of("google_logging_metric"):
        filter_ = metric.values["filter"]
        event = re.search(r'jsonPayload\.event="(\w+)"', filter_)
        assert event is not None, metric.address
        assert event[1] in EVENTS, f"{metric.address} counts {event[1]}, which is not in events.py"
        texts = [metric.values["value_extractor"] or "", *metric.values["label_extractors"].values()]
        fields = {field for text in texts for field in re.findall(r"EXTRACT\(jsonPayload\.(\w+)\)", text)}
        assert fields <= EVENTS[event[1]], (
            f"{event[1]} in shared/domain/events.py lacks a field of its metric"
        )
        assert ("jsonPayload.audit=true" in filter_) == ("audit" in EVENTS[event[1]]), metric.address
        counted.add(event[1])
    missing = EVENTS.keys() - counted
    assert not missing, f"infra/modules/observability/metrics.tf: add a metric for {missing}"


def test_a_measured_metric_is_a_distribution_and_a_counted_one_a_number(deployment: Deployment) -> None:
    for metric in deployment.of("google_logging_metric"):
        (descriptor,) = metric.values["metric_descriptor"]
        measured = metric.values["value_extractor"] is not None
        assert descriptor["value_type"] == ("DISTRIBUTION" if measured else "INT64"), metric.address
        assert bool(metric.values["bucket_options"]) == measured, metric.address
        labels = {label["key"] for label in descriptor["labels"]}
        assert labels == metric.values["label_extractors"].keys(), metric.address


def test_alerts_and_charts_ask_for_metrics_that_are_made(deployment: Deployment) -> None:
    made = {
        metric.values["name"]: metric.values["filter"] for metric in deployment.of("google_logging_metric")
    }
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    texts = [dashboard.values["dashboard_json"].replace("\\", "")]
    for alert in deployment.of("google_monitoring_alert_policy"):
        texts += [str(condition) for condition in alert.values["conditions"]]
    asked = {name for text in texts for name in re.findall(r"logging\.googleapis\.com/user/([\w/]+)", text)}
    assert asked <= made.keys()
    # Rows per chunk, and who did what, are queried on demand.
    uncharted = {name for name in made.keys() - asked if "jsonPayload.audit=true" not in made[name]}
    assert uncharted == {"backfills/chunk_rows", "backfills/rows_skipped"}, (
        "a metric needs a chart in infra/modules/observability/dashboard.tf or an alert; or name it here"
    )


def test_what_is_counted_is_summed_and_what_is_measured_is_not(deployment: Deployment) -> None:
    """A distribution has no sum for a threshold, and a count has no percentile."""
    types = {
        metric.values["name"]: metric.values["metric_descriptor"][0]["value_type"]
        for metric in deployment.of("google_logging_metric")
    }
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    asked = [
        (query["filter"], query["aggregation"]["perSeriesAligner"])
        for tile in plain(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
        for data in tile["widget"]["xyChart"]["dataSets"]
        for query in [data["timeSeriesQuery"]["timeSeriesFilter"]]
    ]
    asked += [
        (threshold["filter"], threshold["aggregations"][0]["per_series_aligner"])
        for alert in deployment.of("google_monitoring_alert_policy")
        for condition in alert.values["conditions"]
        for threshold in condition["condition_threshold"]
    ]
    for filter_, aligner in asked:
        if (found := re.search(r"logging\.googleapis\.com/user/([\w/]+)", filter_)) is None:
            continue
        measured = aligner.startswith("ALIGN_PERCENTILE_")
        assert measured == (types[found[1]] == "DISTRIBUTION"), f"{found[1]}: {aligner}"


def test_a_sweep_is_missed_and_one_that_never_succeeded_is_noticed(deployment: Deployment) -> None:
    """A metric that was never counted cannot be absent, so failing sweeps have a separate condition."""
    (alert,) = [
        one for one in deployment.of("google_monitoring_alert_policy") if "sweep_silent" in one.address
    ]
    assert alert.values["combiner"] == "OR"
    ((absent,), (failing,)) = (
        condition["condition_absent"] or condition["condition_threshold"]
        for condition in alert.values["conditions"]
    )
    assert 'response_code_class="2xx"' in absent["filter"]
    assert failing["filter"] == absent["filter"].replace('="2xx"', '!="2xx"')
    (window,) = failing["aggregations"]
    # One sweep a minute.
    assert 0 < failing["threshold_value"] < int(window["alignment_period"].removesuffix("s")) / 60
    assert (window["per_series_aligner"], failing["comparison"]) == ("ALIGN_DELTA", "COMPARISON_GT")


def _alert(deployment: Deployment, key: str) -> Any:
    """Return the threshold and the window of the alert with this key."""
    (alert,) = [one for one in deployment.of("google_monitoring_alert_policy") if one.key == key]
    ((threshold,),) = (condition["condition_threshold"] for condition in alert.values["conditions"])
    return threshold


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_one_stalled_job_opens_its_alert_and_keeps_it_open(deployed: Deploy, environment: str) -> None:
    """The sweep, once a minute, reports a stalled job once in STALL_LIMIT."""
    alert = _alert(deployed(environment), "delivery-retries")
    (window,) = alert["aggregations"]
    assert "/jobs_stalled" in alert["filter"]
    assert window["per_series_aligner"] == "ALIGN_DELTA"
    assert alert["duration"] == "0s"
    period, limit = seconds(window["alignment_period"]), _told(deployed(environment)).stall_limit
    assert limit + 60 < period
    assert period % 60 == 0
    reports = period // (limit + 60)
    assert alert["threshold_value"] < reports


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_rate_of_retries_parts_a_dead_destination_from_a_short_outage(
    deployed: Deploy, environment: str
) -> None:
    """Hence the alert above. A minute's outage causes more retries in a job with all lanes than a longer one
    does in a job with one chunk, and windows of five minutes see none of the latter at times.
    """
    deployment = deployed(environment)
    (policy,) = {
        tuple(one.block("retry_policy").values())
        for one in deployment.of("google_pubsub_subscription")
        if "chunks" in one.values["name"]
    }
    told = _told(deployment)
    most = told.lanes_to_share
    assert most == min(told.chunks_in_flight, 2 * (told.deliveries_at_once or 0))
    pauses = sorted(map(seconds, policy))
    short, dead = _attempts(pauses, 60), _attempts(pauses, told.stall_limit)
    assert most * len(short) > len(dead)
    # The last pause before that time is longer than such a window.
    assert told.stall_limit - dead[-1] > 300


def _attempts(pauses: Sequence[float], end: float) -> list[float]:
    """Return the times of one message's attempts before ``end``, if each pause is twice the last one."""
    pause, longest = pauses
    times = [0.0]
    while times[-1] + pause < end:
        times.append(times[-1] + pause)
        pause = min(2 * pause, longest)
    return times


def _told(deployment: Deployment) -> Settings:
    told = told_to(deployment.functions()["sweep"])
    return read(told | {"K_SERVICE": "sweep", "SNOWFLAKE_CONNECT": "{}"})


def test_the_dashboard_is_laid_out_without_overlaps(deployment: Deployment) -> None:
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    tiles = plain(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
    places = {(tile["xPos"], tile["yPos"]) for tile in tiles}
    assert len(places) == len(tiles) >= 10
    assert all(tile["xPos"] + tile["width"] <= 12 for tile in tiles)


def test_the_page_lists_the_alerts_by_their_runbooks(deployment: Deployment) -> None:
    table = PAGE.read_text().split("\n| alert |")[1].split("\n\n")[0]
    written = set(re.findall(r"\(runbooks/([a-z-]+\.md)\)", table))
    assert written == _runbooks(deployment), 'docs/observability.md, "Alerts": a row for each runbook'


def test_the_page_lists_the_metrics_and_what_each_is_made_of(deployment: Deployment) -> None:
    table = PAGE.read_text().split("\n| metric |")[1].split("\n\n")[0]
    written = set(
        re.findall(r"^\| `([\w/]+)` \| `(\w+)` \| ([\w` ]+) \| `?(\w*)`? ?\|$", table, re.MULTILINE)
    )
    made = set()
    for metric in deployment.of("google_logging_metric"):
        event = re.search(r'jsonPayload\.event="(\w+)"', metric.values["filter"])
        measured = re.search(r"jsonPayload\.(\w+)", metric.values["value_extractor"] or "")
        kind = f"distribution of `{measured[1]}`" if measured else "count"
        assert event is not None
        made.add((metric.values["name"], event[1], kind, " ".join(metric.values["label_extractors"])))
    assert written == made, "docs/observability.md: a row for each metric of metrics.tf"


def test_the_page_lists_the_charts(deployment: Deployment) -> None:
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    tiles = plain(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
    section = PAGE.read_text().split("\n## Metrics and the dashboard\n")[1].split("\n## ")[0]
    listed = re.findall(r"^- (.+)$", section, re.MULTILINE)
    assert listed == [tile["widget"]["title"] for tile in tiles], (
        "docs/observability.md: a line for each chart"
    )


_IN_WORDS = {600.0: "ten minutes", 900.0: "a quarter of an hour", 3600.0: "an hour"}


def _stated(deployment: Deployment) -> dict[str, tuple[str, str]]:
    """Return, for each runbook, what it and its row of the page must say of when the alert fires.

    A number that the configuration decides is named by its variable; the others are in words.
    """
    absent = _conditions(deployment, "sweep-silent.md", "condition_absent")
    waits = _conditions(deployment, "oldest-unacked.md", "condition_threshold")
    (unload,) = _conditions(deployment, "unloads-slow.md", "condition_threshold")
    (silent,) = {_IN_WORDS[seconds(one["duration"])] for one in absent}
    (hour,) = {_IN_WORDS[one["threshold_value"]] for one in waits}
    stalled = _told(deployment).stall_limit
    (attempts,) = {
        policy["max_delivery_attempts"]
        for one in deployment.of("google_pubsub_subscription")
        if (policy := one.block("dead_letter_policy"))
    }
    for one in ("jobs-failing.md", "dead-letters.md"):
        (condition,) = _conditions(deployment, one, "condition_threshold")
        assert condition["threshold_value"] == 0, f"{one} speaks of a single one"
    return {
        "sweep-silent.md": (f"No sweep has succeeded for {silent}.", f"no sweep succeeded for {silent}"),
        "oldest-unacked.md": (
            f"has not been acknowledged for {hour}.",
            f"a message is unacknowledged for {hour}",
        ),
        "unloads-slow.md": (f"`slow_unload` ({unload['threshold_value']:,.0f} s)", "unloads are slow"),
        "delivery-retries.md": (
            f"`STALL_LIMIT` ({stalled:,.0f} s)",
            f"make no progress for `STALL_LIMIT`, {_IN_WORDS[stalled]}",
        ),
        "dead-letters.md": (
            f"delivered a message {attempts} times",
            "a message used up its delivery attempts",
        ),
        "jobs-failing.md": ("At least one job ended", "jobs fail"),
        # They state no number: a few answers of 5xx are nothing, and the operator sets the budget.
        "api-errors.md": ("503 means", "answers 5xx"),
        "budget.md": ("has reached a threshold", "budget is used up"),
    }


def _conditions(deployment: Deployment, runbook: str, kind: str) -> list[dict[str, Any]]:
    """Return the conditions of one kind, of the alert with this runbook."""
    (alert,) = [
        one
        for one in deployment.of("google_monitoring_alert_policy")
        if f"docs/runbooks/{runbook}" in one.block("documentation")["content"]
        and any(condition[kind] for condition in one.values["conditions"])
    ]
    return [found for condition in alert.values["conditions"] for found in condition[kind]]


def test_each_runbook_says_when_its_alert_fires(deployment: Deployment) -> None:
    stated = _stated(deployment)
    assert stated.keys() == _runbooks(deployment), "each alert needs a line in _stated"
    rows = PAGE.read_text().split("\n| alert |")[1].split("\n\n")[0].splitlines()
    for runbook, (told, in_row) in stated.items():
        text = " ".join((RUNBOOKS / runbook).read_text().split())
        assert told in text, f"docs/runbooks/{runbook} must say: {told}"
        (row,) = [row for row in rows if f"(runbooks/{runbook})" in row]
        assert in_row in row, f"docs/observability.md, the row of {runbook}, must say: {in_row}"


def test_every_alert_reaches_somebody(deployment: Deployment) -> None:
    (channel,) = deployment.of("google_monitoring_notification_channel")
    for alert in deployment.of("google_monitoring_alert_policy"):
        assert alert.values["notification_channels"] == [channel.values["id"]], alert.address


def test_each_runbook_has_its_alert_and_each_alert_its_runbook(deployment: Deployment) -> None:
    written = {file.name for file in RUNBOOKS.glob("*.md")}
    assert written == _runbooks(deployment), "docs/runbooks/: a page for each alert, and no other"

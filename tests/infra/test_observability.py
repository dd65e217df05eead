"""Metrics come from the functions' log entries, and every alert names a runbook."""

import dataclasses
import re

import pytest

from infra.offline.build import ROOT
from shared.domain.events import Audited, Event
from tests.infra.conftest import Deploy
from tests.infra.deployed import Deployment, plain

# The events, and each one's fields that metrics use.
EVENTS = {
    "job_created": {"audit"},
    "job_cancelled": {"audit"},
    "job_retried": {"audit"},
    "job_paused": {"audit"},
    "job_resumed": {"audit"},
    "job_ended": {"status", "seconds"},
    "chunk_delivered": {"destination_type", "rows", "seconds", "rows_per_second"},
    "rows_skipped": {"destination_type", "rows"},
    "message_retried": {"function"},
    "message_dead_lettered": set(),
    "unload_ended": {"state", "seconds"},
    "jobs_census": {"status", "count"},
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
    used: dict[str, set[str]] = {}
    for metric in deployment.of("google_logging_metric"):
        filter_ = metric.values["filter"]
        event = re.search(r'jsonPayload\.event="(\w+)"', filter_)
        assert event is not None, metric.address
        texts = [metric.values["value_extractor"] or "", *metric.values["label_extractors"].values()]
        fields = {field for text in texts for field in re.findall(r"EXTRACT\(jsonPayload\.(\w+)\)", text)}
        if "jsonPayload.audit=true" in filter_:
            fields.add("audit")
        used.setdefault(event[1], set()).update(fields)
    assert used == EVENTS


def test_the_events_are_those_that_the_functions_log() -> None:
    logged = {
        event.name: {field.name for field in dataclasses.fields(event)}
        | ({"audit"} if issubclass(event, Audited) else set())
        for event in Event.__args__
    }
    assert EVENTS.keys() == logged.keys()
    assert all(fields <= logged[event] for event, fields in EVENTS.items())


def test_a_measured_metric_is_a_distribution_and_a_counted_one_a_number(deployment: Deployment) -> None:
    for metric in deployment.of("google_logging_metric"):
        (descriptor,) = metric.values["metric_descriptor"]
        measured = metric.values["value_extractor"] is not None
        assert descriptor["value_type"] == ("DISTRIBUTION" if measured else "INT64"), metric.address
        assert bool(metric.values["bucket_options"]) == measured, metric.address
        labels = {label["key"] for label in descriptor["labels"]}
        assert labels == metric.values["label_extractors"].keys(), metric.address


def test_alerts_and_charts_ask_for_metrics_that_are_made(deployment: Deployment) -> None:
    made = {metric.values["name"] for metric in deployment.of("google_logging_metric")}
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    texts = [dashboard.values["dashboard_json"].replace("\\", "")]
    for alert in deployment.of("google_monitoring_alert_policy"):
        texts += [str(condition) for condition in alert.values["conditions"]]
    asked = {name for text in texts for name in re.findall(r"logging\.googleapis\.com/user/([\w/]+)", text)}
    assert asked <= made
    # Rows per chunk, and who did what, are queried on demand.
    assert made - asked == {
        "backfills/chunk_rows",
        "backfills/rows_skipped",
        "backfills/jobs_created",
        "backfills/jobs_cancelled",
        "backfills/jobs_retried",
        "backfills/jobs_paused",
        "backfills/jobs_resumed",
    }


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


def test_the_dashboard_is_laid_out_without_overlaps(deployment: Deployment) -> None:
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    tiles = plain(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
    places = {(tile["xPos"], tile["yPos"]) for tile in tiles}
    assert len(places) == len(tiles) >= 10
    assert all(tile["xPos"] + tile["width"] <= 12 for tile in tiles)


def test_what_must_wake_somebody_is_watched(deployment: Deployment) -> None:
    assert _runbooks(deployment) == {
        "api-errors.md",
        "budget.md",
        "dead-letters.md",
        "delivery-retries.md",
        "jobs-failing.md",
        "oldest-unacked.md",
        "sweep-silent.md",
        "unloads-slow.md",
    }


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
    assert written == made


def test_the_page_lists_the_charts(deployment: Deployment) -> None:
    (dashboard,) = deployment.of("google_monitoring_dashboard")
    tiles = plain(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
    section = PAGE.read_text().split("\n## Metrics and the dashboard\n")[1].split("\n## ")[0]
    assert re.findall(r"^- (.+)$", section, re.MULTILINE) == [tile["widget"]["title"] for tile in tiles]


def test_the_runbook_of_slow_unloads_says_what_is_slow(deployment: Deployment) -> None:
    (alert,) = [one for one in deployment.of("google_monitoring_alert_policy") if one.key == "unloads-slow"]
    (condition,) = alert.values["conditions"]
    (threshold,) = condition["condition_threshold"]
    assert (
        f"`slow_unload` ({threshold['threshold_value']:,.0f} s)" in (RUNBOOKS / "unloads-slow.md").read_text()
    )


def test_every_alert_reaches_somebody(deployment: Deployment) -> None:
    (channel,) = deployment.of("google_monitoring_notification_channel")
    for alert in deployment.of("google_monitoring_alert_policy"):
        assert alert.values["notification_channels"] == [channel.values["id"]], alert.address


def test_each_runbook_has_its_alert_and_each_alert_its_runbook(deployment: Deployment) -> None:
    written = {file.name for file in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert written == _runbooks(deployment)

"""The contract's rules for the destinations of a create request."""

from typing import Any
from uuid import UUID

import pytest

from shared.destinations import KINDS
from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill, webhook

Loc = list[str | int]


@pytest.fixture
def service() -> Service:
    return Service()


def _locs(service: Service, body: Any) -> list[Loc]:
    return [fault["loc"] for fault in service.faults(body)]


class TestDestinations:
    def test_the_service_assigns_each_a_uid(self, service: Service) -> None:
        sinks = [{"type": "kafka", "name": f"topic-{number}"} for number in range(9)]
        service.created(backfill(destinations=[*sinks, webhook(name="topic-1", hash_key="SIGNING_1")]))
        (item,) = service.call("GET", BACKFILLS).get_json()
        uids = {UUID(destination.pop("uid")) for destination in item["destinations"]}
        assert len(uids) == 10
        assert item["destinations"] == [*sinks, webhook(name="topic-1", hash_key="SIGNING_1")]

    def test_hash_key_is_echoed_only_if_given(self, service: Service) -> None:
        service.created(backfill(destinations=[webhook(), webhook(name="b", hash_key=None)]))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert [list(destination) for destination in item["destinations"]] == [
            ["type", "name", "url", "uid"]
        ] * 2

    @pytest.mark.parametrize("count", [0, 11])
    def test_1_to_10(self, service: Service, count: int) -> None:
        sinks = [{"type": "kafka", "name": str(number)} for number in range(count)]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations"]]

    @pytest.mark.parametrize("name", ["a", "_", "-", "A.b_c-9", "x" * 100, "a..b"])
    def test_name_is_a_safe_one(self, service: Service, name: str) -> None:
        service.created(backfill(destinations=[{"type": "kafka", "name": name}]))

    @pytest.mark.parametrize(
        "name", ["", ".", "..", ".a", "x" * 101, "a b", "a/b", "ä", "a\n", "a\x00", 5, None]
    )
    def test_any_other_name_is_refused(self, service: Service, name: Any) -> None:
        sinks = [{"type": "kafka", "name": name}]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations", 0, "name"]]

    def test_unique_by_type_and_name(self, service: Service) -> None:
        sinks = [webhook(), {"type": "kafka", "name": "hook"}, webhook(url="https://example.org/")]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations", 2, "name"]]

    @pytest.mark.parametrize("kind", ["sqs", "rabbitmq", "Kafka", "", 5, None, ["kafka"], {}])
    def test_other_types_are_refused_naming_the_supported(self, service: Service, kind: Any) -> None:
        (fault,) = service.faults(backfill(destinations=[{"type": kind, "name": "x"}]))
        assert fault["loc"] == ["body", "destinations", 0, "type"]
        assert fault["msg"].endswith(", ".join(KINDS))

    @pytest.mark.parametrize("sink", [None, "kafka", 5, []])
    def test_each_is_an_object(self, service: Service, sink: Any) -> None:
        assert _locs(service, backfill(destinations=[sink])) == [["body", "destinations", 0]]

    @pytest.mark.parametrize("sinks", [None, {}, "kafka", {"type": "kafka", "name": "x"}])
    def test_they_are_an_array(self, service: Service, sinks: Any) -> None:
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations"]]

    @pytest.mark.parametrize("field", ["uid", "url", "hash_key", "topic", "kafka"])
    def test_unknown_fields_are_refused(self, service: Service, field: str) -> None:
        sink = {"type": "kafka", "name": "x", field: "exactly_once"}
        assert _locs(service, backfill(destinations=[sink])) == [["body", "destinations", 0, field]]

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com",
            "https://example.com:8443/a/b?c=d#e",
            "https://[2606:4700::1111]/",
            "https://1.1.1.1/%C3%A9",
        ],
    )
    def test_a_webhook_has_an_https_url(self, service: Service, url: str) -> None:
        service.created(backfill(destinations=[webhook(url=url)]))
        assert service.call("GET", BACKFILLS).get_json()[0]["destinations"][0]["url"] == url

    @pytest.mark.parametrize(
        "url",
        [
            *(
                "http://example.com",
                "ftp://example.com",
                "example.com",
                "https://",
                "https:///rows",
                "https:x",
            ),
            *("https://user@example.com", "https://user:secret@example.com/", "https://@example.com"),
            *("https://example.com\\@internal", "https://exa mple.com", "https://example.com/\r\nHost: x"),
            *("https://éxample.com", "https://[::1", "https://example.com:0", "https://example.com:99999"),
            *("https://example.com:x", "https://example.com/" + "x" * 2_029, "", None, 5, ["https://a.b"]),
        ],
    )
    def test_any_other_url_is_refused(self, service: Service, url: Any) -> None:
        assert _locs(service, backfill(destinations=[webhook(url=url)])) == [
            ["body", "destinations", 0, "url"]
        ]

    def test_a_url_has_at_most_2048_characters(self, service: Service) -> None:
        service.created(backfill(destinations=[webhook(url="https://example.com/" + "x" * 2_028)]))

    def test_plain_http_needs_the_local_switch(self) -> None:
        local = Service(allow_insecure_destinations=True)
        local.created(backfill(destinations=[webhook(url="http://127.0.0.1:9000/rows")]))
        assert _locs(local, backfill(destinations=[webhook(url="ftp://127.0.0.1/")])) != []

    @pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "x" * 65, 5, True])
    def test_hash_key_names_a_secret(self, service: Service, name: Any) -> None:
        sinks = [webhook(hash_key=name)]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations", 0, "hash_key"]]

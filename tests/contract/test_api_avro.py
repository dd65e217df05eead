"""The field ``format`` of the two Kafkas: taken and echoed as given, or refused by its place."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill

URL = "https://registry.example.com/apis/ccompat/v7"
KAFKA = {"type": "kafka", "name": "rows"}
EXTERNAL = {
    "type": "external_kafka",
    "name": "rows",
    "bootstrap_servers": "kafka.example.com:9093",
    "topic": "rows",
    "security_protocol": "SSL",
}


def avro(registry: Any, **more: Any) -> dict[str, Any]:
    return {"type": "avro", "registry": registry} | more


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize("destination", [KAFKA, EXTERNAL], ids=lambda one: one["type"])
@pytest.mark.parametrize(
    "form",
    [
        "json",
        avro({"url": URL}),
        avro({"url": "https://[2606:4700::1]:8081", "credentials": "REGISTRY"}),
        avro({"url": "https://registry.example.com/"}),
    ],
    ids=str,
)
def test_taken_and_echoed_as_given(service: Service, destination: dict[str, Any], form: Any) -> None:
    given = {**destination, "format": form}
    job_id = service.created(backfill(destinations=[given]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: value for name, value in shown.items() if name not in {"uid", "state"}} == given


def test_without_it_or_with_null_none_is_echoed(service: Service) -> None:
    for form in ({}, {"format": None}):
        job_id = service.created(backfill(destinations=[KAFKA | form]))
        assert "format" not in service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"][0]
    job_id = service.created(
        backfill(destinations=[KAFKA | {"format": avro({"url": URL, "credentials": None})}])
    )
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert shown["format"] == avro({"url": URL})


@pytest.mark.parametrize("destination", [KAFKA, EXTERNAL], ids=lambda one: one["type"])
@pytest.mark.parametrize(
    ("form", "place"),
    [
        ("xml", []),
        ("avro", []),
        (5, []),
        ([], []),
        ({"type": "protobuf", "registry": {"url": URL}}, ["type"]),
        ({"type": "avro"}, ["registry"]),
        (avro({"url": URL}, compression="zstd"), ["compression"]),
        (avro(None), ["registry"]),
        (avro(URL), ["registry"]),
        (avro("default"), ["registry"]),
        (avro({}), ["registry", "url"]),
        (avro({"url": URL, "credentials": "not a name"}), ["registry", "credentials"]),
        (avro({"url": URL, "credentials": {"username": "x"}}), ["registry", "credentials"]),
        (avro({"url": URL, "password": "x"}), ["registry", "password"]),
        *(
            (avro({"url": url}), ["registry", "url"])
            for url in (
                *("", "registry", "http://registry.example.com", f"{URL}?token=x", f"{URL}#x", f"{URL} ", 5),
                *(
                    "https://anna:s3cret@registry.example.com",
                    "https://é.example",
                    "https://",
                    "ftp://x.example",
                ),
                *("https://registry.example.com:0", "https://registry.example.com/" + "x" * 3_000),
            )
        ),
    ],
    ids=str,
)
def test_anything_else_is_refused_by_its_place(
    service: Service, destination: dict[str, Any], form: Any, place: list[str]
) -> None:
    (fault,) = service.faults(backfill(destinations=[{**destination, "format": form}]))
    assert fault["loc"] == ["body", "destinations", 0, "format", *place]


def test_the_default_registry_is_for_services_that_have_one() -> None:
    service = Service(schema_registry=True)
    job_id = service.created(backfill(destinations=[KAFKA | {"format": avro("default")}]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert shown["format"] == avro("default")


def test_a_local_stack_takes_a_registry_without_tls() -> None:
    service = Service(allow_insecure_destinations=True)
    service.created(backfill(destinations=[KAFKA | {"format": avro({"url": "http://127.0.0.1:8081"})}]))


@pytest.mark.parametrize("own", [False, True])
def test_the_document_describes_the_registries_that_are_taken(*, own: bool) -> None:
    document = Service(schema_registry=own).call("GET", "/api/v1/beam/openapi.json").get_json()
    found = document["components"]["schemas"]
    registry = found["AvroFormat"]["properties"]["registry"]
    reference = {"$ref": "#/components/schemas/SchemaRegistry"}
    if own:
        assert registry["oneOf"] == [{"const": "default", "type": "string"}, reference]
    else:
        assert registry["$ref"] == reference["$ref"]
    assert found["SchemaRegistry"]["properties"]["url"]["pattern"].startswith("^[Hh][Tt][Tt][Pp][Ss]://")

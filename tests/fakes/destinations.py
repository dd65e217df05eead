"""Destinations as the API makes them of a request."""

from shared.destination import Destination
from shared.destinations import destination


def kafka(name: str, uid: str, delivery: str | None = None) -> Destination:
    return destination(type="kafka", name=name, uid=uid, delivery=delivery)


def webhook(
    name: str, uid: str, url: str, hash_key: str | None = None, delivery: str | None = None
) -> Destination:
    return destination(type="webhook", name=name, uid=uid, url=url, hash_key=hash_key, delivery=delivery)


def gcs(name: str, uid: str, bucket: str, prefix: str | None = None, form: str | None = None) -> Destination:
    return destination(type="gcs", name=name, uid=uid, bucket=bucket, prefix=prefix, format=form)


def pubsub(name: str, uid: str, topic: str, ordering_key_column: str | None = None) -> Destination:
    return destination(
        type="pubsub", name=name, uid=uid, topic=topic, ordering_key_column=ordering_key_column
    )

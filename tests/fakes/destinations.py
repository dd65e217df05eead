"""Destinations as the API builds them from a request."""

from shared.destinations import destination
from shared.domain.destination import Destination


def kafka(name: str, uid: str, delivery: str | None = None) -> Destination:
    return destination(type="kafka", name=name, uid=uid, delivery=delivery)


def webhook(
    name: str, uid: str, url: str, hash_key: str | None = None, delivery: str | None = None
) -> Destination:
    return destination(type="webhook", name=name, uid=uid, url=url, hash_key=hash_key, delivery=delivery)

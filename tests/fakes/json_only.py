"""Rows that no destination wants in Avro."""

from shared.domain.avro import Schema
from shared.steps.sending import Messages


class JsonOnly:
    """Completes the port Rows."""

    __slots__ = ()

    def in_avro(self, schema: Schema, schema_id: int) -> Messages:
        raise AssertionError(f"a test wants rows in Avro: {schema}, {schema_id}")

"""The fields of a topic of the service's own Kafka."""

from typing import Literal

from pydantic import Field

from shared.destinations.kafka.format import FORMAT, FORMATS, Format
from shared.destinations.spec import ColumnName, DestinationName, Parts, Spec


class KafkaDestination(Spec):
    """A topic of the service's own Kafka, ``beam.{organization_id}.{name}``."""

    type: Literal["kafka"]
    name: DestinationName
    key_column: ColumnName | None = Field(
        default=None,
        description="The table's column that holds the message keys; by default the table's own key column.",
    )
    format: Format | None = FORMAT
    delivery: Literal["exactly_once", "at_least_once"] | None = Field(
        default=None,
        description=(
            "`exactly_once` is the default: a transaction for each chunk, for readers with"
            " `isolation.level=read_committed`. With `at_least_once`, a chunk that is sent again after a"
            " crash repeats its rows, and readers see rows before their chunk is complete. Each message then"
            " carries the headers `beam-job-id`, `beam-chunk` and `beam-row`, by which a reader recognizes"
            " repeats."
        ),
    )

    @classmethod
    def parts(cls) -> Parts:
        return FORMATS

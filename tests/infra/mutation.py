"""One edit that loses a property, and the property that must notice.

``was`` is replaced by ``becomes`` wherever it stands in the file, in a copy of the configuration.
"""

from dataclasses import dataclass

from tests.infra.properties import Property


@dataclass(frozen=True, slots=True)
class Mutation:
    """``file`` is below infra/; ``environment`` is the one that is then looked at."""

    title: str
    noticed_by: Property
    file: str
    was: str
    becomes: str
    environment: str = "prod"

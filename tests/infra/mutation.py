"""One edit that loses a property, and the property that must notice.

``was`` is replaced by ``becomes`` wherever it stands in the file, in a copy of the configuration.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.infra.properties import Property


@dataclass(frozen=True, slots=True)
class Mutation:
    """``file`` is below infra/; ``environment`` is the one that is then looked at.

    ``also``: other properties that the edit loses, since they look at the same thing.
    """

    title: str
    noticed_by: Property
    file: str
    was: str
    becomes: str
    environment: str = "prod"
    also: tuple[Property, ...] = ()

    @property
    def loses(self) -> set[Property]:
        return {self.noticed_by, *self.also}

    def goes_with(self, other: "Mutation") -> bool:
        """Return whether one configuration can have both edits, and each property still detects only one of
        them.
        """
        apart = self.file != other.file or not (self.was in other.was or other.was in self.was)
        told_apart = self.noticed_by not in other.loses and other.noticed_by not in self.loses
        return apart and told_apart and self.environment == other.environment


def grouped(mutations: Iterable[Mutation]) -> list[list[Mutation]]:
    """Group the mutations into few groups: a run of Terraform takes seconds."""
    groups: list[list[Mutation]] = []
    for mutation in mutations:
        for group in groups:
            if all(mutation.goes_with(other) for other in group):
                group.append(mutation)
                break
        else:
            groups.append([mutation])
    return groups

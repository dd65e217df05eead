"""The fields of a folder."""

from typing import Literal

from pydantic import Field

from shared.destinations.spec import DestinationName, Spec


class ToyDestination(Spec):
    """A folder that gets one file per chunk."""

    type: Literal["toy"]
    name: DestinationName
    folder: str = Field(description="The folder for its files.")
    delivery: Literal["at_least_once"] | None = None

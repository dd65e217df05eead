"""What holds of every environment's deployment."""

import dataclasses

import pytest

from shared.config import Settings
from tests.infra import properties, query_shapes
from tests.infra.conftest import Deploy
from tests.infra.deployed import ENVIRONMENTS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("holds", properties.EVERYWHERE, ids=lambda one: one.__name__)
def test_every_environment_has_the_property(
    deployed: Deploy, environment: str, holds: properties.Property
) -> None:
    holds(deployed(environment))


@pytest.mark.parametrize("holds", properties.ONCE, ids=lambda one: one.__name__)
def test_production_has_the_property(deployed: Deploy, holds: properties.Property) -> None:
    holds(deployed("prod"))


def test_every_query_of_the_source_is_among_the_recorded_shapes() -> None:
    recorded = {field for shape in query_shapes.recorded() for field in shape.fields()}
    assert query_shapes.fields_in_source() == recorded


def test_settings_that_are_there_are_no_longer_said_to_come() -> None:
    known = {field.metadata["name"] for field in dataclasses.fields(Settings)}
    assert properties.COMING.isdisjoint(known), "take it out of properties.COMING"

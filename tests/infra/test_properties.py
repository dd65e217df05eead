"""Properties of every environment's deployment."""

import pytest

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

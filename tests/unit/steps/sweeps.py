"""Helpers of the sweep's tests."""

from tests.unit.steps.world import World


def later(world: World, seconds: float) -> list[object]:
    """Return what a sweep publishes after this time."""
    world.queue.taken()
    world.clock.sleep(seconds)
    world.sweep.run()
    return list(world.queue.taken())

"""Trouble ends and time passes: by and by everything comes to rest."""

from tests.model.receivers import Mood
from tests.model.service import Service
from tests.model.turns import TO_THE_END
from tests.model.watch import Watch
from tests.unit.steps.world import SWEEP_PAUSE

LONGEST = 4 * 3600.0
"""Seconds within which all is at rest: Pub/Sub's attempts and the sweep's limits take no longer."""



def come_to_rest(service: Service, watch: Watch) -> None:
    """Heal all parts and go on until nothing is left to do; then look at what is there."""
    service.turns.down.clear()
    service.unloads.errors.clear()
    for url in service.receivers.moods:
        service.receivers.moods[url] = Mood.ACCEPTS
    end = service.clock.monotonic() + LONGEST
    next_sweep = service.clock.monotonic()
    while service.at_work or service.underway or list(service.jobs.active()):
        assert service.clock.monotonic() < end, "not at rest in time"
        if service.clock.monotonic() >= next_sweep:
            service.begin("sweep", service.sweep.run)
            next_sweep = service.clock.monotonic() + SWEEP_PAUSE
        for pushed in service.due():
            service.begin_push(pushed)
        awake = [work for work in service.at_work if not work.process.asleep]
        for work in awake:
            service.go_on(work, TO_THE_END)
            watch.check(work)
        if not awake:
            _skip(service, next_sweep)
            watch.check()
    watch.at_rest()


def _skip(service: Service, next_sweep: float) -> None:
    """Let time pass until something is to do."""
    due = [pushed.due for pushed in service.underway]
    wakes = [work.process.wakes for work in service.at_work]
    service.pass_time(max(0.01, min([next_sweep, *due, *wakes]) - service.clock.monotonic()))

"""Dependencies fail under jobs in every phase, and all jobs complete afterwards. In full: `make
reliability`.
"""

import pytest

from tests.reliability.faults import suite
from tests.reliability.faults.ground import Trouble
from tests.reliability.faults.trials import Phase, Trial

pytestmark = [pytest.mark.stack, pytest.mark.reliability]

_EVERY = tuple(Phase)
_TRIALS = (
    Trial("firestore", Trouble.CUT, _EVERY, 2.0),
    Trial("pubsub", Trouble.REFUSING, _EVERY, 2.0),
    Trial("kafka", Trouble.PAUSED, _EVERY, 2.0),
    Trial("nats", Trouble.CUT, _EVERY, 2.0),
    Trial("sns", Trouble.REFUSING, _EVERY, 2.0),
)


def test_jobs_survive_parts_that_fail() -> None:
    done = suite.run(1, trials=_TRIALS, lanes=1)
    assert done.passed, done.text()

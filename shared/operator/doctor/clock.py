"""Checks of this machine's clock against Google's and Snowflake's, because tokens and signatures expire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from shared.operator.doctor.checks import Check, NotAsked, Verdict, ok, wrong
from shared.operator.doctor.google import SECONDS
from shared.operator.doctor.trial import Trial
from shared.operator.doctor.world import World
from shared.unload.statements import Statement

# A signed token is refused at a difference of one minute; an unsynchronized clock is off by more than this.
_MOST = timedelta(seconds=10)
_SET = "timedatectl set-ntp true"


class Clock:
    def __init__(self, world: World, trial: Trial) -> None:
        self._world = world
        self._trial = trial

    def checks(self) -> Sequence[Check]:
        return (
            Check("clock.google", "Does this machine's clock agree with Google's?", self._google, _SET),
            Check("clock.snowflake", "Does it agree with Snowflake's?", self._snowflake, _SET),
        )

    def _google(self) -> Verdict:
        before = self._world.now()
        url = f"{self._world.installation.urls['api']}/health"
        answer = requests.get(url, timeout=SECONDS, allow_redirects=False)
        if "Date" not in answer.headers:
            raise NotAsked(f"{url} does not return the time")
        # The header has whole seconds, without a fraction; assume the middle of the call.
        return _agree(parsedate_to_datetime(answer.headers["Date"]), before, self._world.now())

    def _snowflake(self) -> Verdict:
        before = self._world.now()
        ((there,),) = self._trial.unloads.ask(
            Statement("SELECT DATE_PART(EPOCH_MILLISECOND, CURRENT_TIMESTAMP())"), "doctor", SECONDS
        )
        moment = datetime.fromtimestamp(int(there) / 1000, tz=before.tzinfo)
        return _agree(moment, before, self._world.now())


def _agree(there: datetime, before: datetime, after: datetime) -> Verdict:
    behind, ahead = there - after, before - there
    off = max(behind, ahead, timedelta())
    if off > _MOST:
        how = "behind" if behind > ahead else "ahead"
        return wrong(f"this machine's clock is {off.total_seconds():.0f} s {how}")
    return ok(f"within {_MOST.total_seconds():.0f} s")

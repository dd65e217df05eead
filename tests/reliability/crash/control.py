"""Communication about crash points between a suite and the functions' processes, through files in a folder.

``armed/POINT`` holds the fate to apply, ``hit/POINT`` the applied one, ``seen/POINT`` shows that it was
passed. A file is claimed by renaming it, so that only one process and thread is hit.
"""

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

VARIABLE = "CRASH_FOLDER"


class Fate(StrEnum):
    """What happens at an armed point."""

    KILL = "kill"  # the process and its group, by SIGKILL
    FAIL = "fail"  # the part does not answer
    OUTAGE = "outage"  # the part does not answer until the point is disarmed
    LOSE = "lose"  # the call reports success without effect: a lost message


class Control:
    """Both sides of the folder."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._hit, self._seen = (folder / name for name in ("armed", "hit", "seen"))
        self._new = folder / "new"

    def clear(self) -> None:
        """Reset: nothing is armed, nothing is seen."""
        # File by file, because a running function may pass a point meanwhile.
        for folder in (self._armed, self._hit, self._seen):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                path.unlink(missing_ok=True)

    def arm(self, points: Mapping[str, Fate]) -> None:
        for point, fate in points.items():
            # A running function never reads a file that is half written.
            self._new.write_text(fate)
            self._new.rename(self._armed / point)

    def disarm(self, point: str | None = None) -> None:
        """Disarm the point, by default all of them."""
        for path in [self._armed / point] if point else self._armed.iterdir():
            path.unlink(missing_ok=True)

    def seen(self) -> set[str]:
        return {path.name for path in self._seen.iterdir()}

    def hit(self) -> set[str]:
        return {path.name for path in self._hit.iterdir()}

    def last_hit(self) -> float:
        """Return when the latest point was hit, by the system's clock; 0 if none was."""
        return max((path.stat().st_ctime for path in self._hit.iterdir()), default=0.0)

    def claim(self, point: str) -> Fate | None:
        """Record that the point is passed; return its fate to the first caller at an armed one, in an outage
        to every caller.
        """
        with suppress(FileNotFoundError):
            (self._seen / point).touch()
            if (self._armed / point).read_text() == Fate.OUTAGE:
                (self._hit / point).touch()
                return Fate.FAIL
            (self._armed / point).rename(self._hit / point)
            return Fate((self._hit / point).read_text())
        return None

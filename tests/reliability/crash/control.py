"""How a suite and the functions' processes speak about crash points: through files in one folder.

``armed/POINT`` holds what shall happen there, ``hit/POINT`` what did, ``seen/POINT`` that it was passed.
A file is claimed by renaming it, so that of all processes and threads only one is hit.
"""

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

VARIABLE = "CRASH_FOLDER"


class Fate(StrEnum):
    """What happens to whoever reaches an armed point."""

    KILL = "kill"  # the process and its group, by SIGKILL
    FAIL = "fail"  # the part does not answer
    LOSE = "lose"  # the call is taken for done and was not: a lost message


class Control:
    """Both sides of the folder."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._hit, self._seen = (folder / name for name in ("armed", "hit", "seen"))

    def clear(self) -> None:
        """Begin anew, with nothing armed and nothing seen."""
        # File by file: a function that is still at work may pass a point meanwhile.
        for folder in (self._armed, self._hit, self._seen):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                path.unlink(missing_ok=True)

    def arm(self, points: Mapping[str, Fate]) -> None:
        for point, fate in points.items():
            (self._armed / point).write_text(fate)

    def disarm(self) -> None:
        for path in self._armed.iterdir():
            path.unlink(missing_ok=True)

    def seen(self) -> set[str]:
        return {path.name for path in self._seen.iterdir()}

    def hit(self) -> set[str]:
        return {path.name for path in self._hit.iterdir()}

    def last_hit(self) -> float:
        """When the latest point was hit, by the system's clock; 0 if none was."""
        return max((path.stat().st_ctime for path in self._hit.iterdir()), default=0.0)

    def claim(self, point: str) -> Fate | None:
        """Note that the point is passed; answers its fate to the first who comes to an armed one."""
        with suppress(FileNotFoundError):
            (self._seen / point).touch()
            (self._armed / point).rename(self._hit / point)
            return Fate((self._hit / point).read_text())
        return None

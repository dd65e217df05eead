"""The exit statuses of ``verify``."""

from typing import Final

EQUAL: Final = 0
DIFFERENT: Final = 1
WRONG_USAGE: Final = 2
NOT_COMPARED: Final = 3
OUT_OF_REACH: Final = 4

MEANINGS: Final = (
    "0 if everything is equal; 1 if something differs; 2 for wrong usage or an unknown job; 3 if there is"
    " nothing to compare: no destination that the service can read, or no receipt; 4 if something did not"
    " answer or cannot be told apart. 1 takes precedence over 4"
)

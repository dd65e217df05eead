"""Names of jobs, which people read in lists, logs and terminals.

Control characters would break these. Not allowed are Unicode's control characters (category Cc: NUL, escape,
tab, line breaks), its two line separators outside this category, and characters that change the direction of
the surrounding text. Direction marks and joiners are harmless, and names in some scripts need them.
"""

import re

MOST_NAME_LENGTH = 200

# In the syntax of ECMA-262, because the OpenAPI document also has the pattern. Python reads it the same way.
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
# The trimmed characters: Unicode's property White_Space. \s is a different set in ECMA-262 and in Python.
_SPACE = r"\u0009-\u000d \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

# The pattern applies before trimming, so that it matches exactly the accepted names.
PATTERN = (
    rf"^[{_SPACE}]*[^{_CONTROL}{_SPACE}]"
    rf"([^{_CONTROL}]{{0,{MOST_NAME_LENGTH - 2}}}[^{_CONTROL}{_SPACE}])?[{_SPACE}]*$"
)

_CONTROLS = re.compile(f"[{_CONTROL}]")


def check_job_name(name: str) -> str:
    """Return the trimmed name. ValueError, with a text for people, if it has a control character."""
    if found := _CONTROLS.search(name):
        place, code = found.start() + 1, ord(found[0])
        raise ValueError(f"Give a name without control characters: its character {place} is U+{code:04X}")
    return name

"""Names of jobs: for people, who read them in lists, logs and terminals.

Control characters would break those: Unicode's (category Cc: NUL, escape, tab, line breaks), the two line
breaks that are no control characters to it, and those that turn the direction of the text around them. Marks
of direction and joiners, which names in some scripts need, do no harm.
"""

import re

MOST_NAME_LENGTH = 200

# As ECMA-262 writes classes, since the OpenAPI document has the pattern too; Python reads them the same.
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
# What is trimmed: Unicode's property White_Space. ECMA-262's \s and Python's are other sets.
_SPACE = r"\u0009-\u000d \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

# Before trimming, so that what the pattern takes is what is taken.
PATTERN = (
    rf"^[{_SPACE}]*[^{_CONTROL}{_SPACE}]"
    rf"([^{_CONTROL}]{{0,{MOST_NAME_LENGTH - 2}}}[^{_CONTROL}{_SPACE}])?[{_SPACE}]*$"
)

_CONTROLS = re.compile(f"[{_CONTROL}]")


def check_job_name(name: str) -> str:
    """Answer the trimmed name as it is; ValueError, for a person, if there is a control character in it."""
    if found := _CONTROLS.search(name):
        place, code = found.start() + 1, ord(found[0])
        raise ValueError(f"Give a name without control characters: its character {place} is U+{code:04X}")
    return name

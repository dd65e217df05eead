"""The patterns of IPv6 addresses and ports in the addresses that clients write, in the syntax of ECMA-262."""

from typing import Final

# 1 to 65535.
PORT: Final = r"(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"

_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_GROUP = r"[0-9A-Fa-f]{1,4}"
_LAST_GROUPS = rf"({_GROUP}:{_GROUP}|{_BYTE}(\.{_BYTE}){{3}})"
# RFC 3986's grammar: how many groups may precede "::" depends on how many follow.
_IPV6 = "|".join(
    [
        rf"({_GROUP}:){{6}}{_LAST_GROUPS}",
        *(
            rf"(({_GROUP}:){{0,{5 - after - 1}}}{_GROUP})?::({_GROUP}:){{{after}}}{_LAST_GROUPS}"
            for after in range(5)
        ),
        rf"::({_GROUP}:){{5}}{_LAST_GROUPS}",
        rf"(({_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}",
        rf"(({_GROUP}:){{0,6}}{_GROUP})?::",
    ]
)
IPV6: Final = rf"\[({_IPV6})\]"

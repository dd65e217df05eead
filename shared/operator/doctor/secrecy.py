"""Secrets never leave the doctor: it removes every known secret from its output."""

import json
from typing import Any, Final

_SECRET: Final = ("password", "passphrase", "passcode", "private_key", "secret", "token", "jaas", "pem")
_SHORTEST: Final = 4  # a shorter value would match everywhere
_LINE: Final = 16
REMOVED: Final = "[removed]"


class Secrecy:
    """Collects secret values. Thread-safe, because it only grows."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """Treat the value, each of its long lines, and its JSON form as secret."""
        forms = {value, value.strip(), json.dumps(value)[1:-1]}
        forms |= {line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE}
        self._values |= {form for form in forms if len(form) >= _SHORTEST and not form.startswith("-----")}

    def add_all(self, value: Any, *, named: str = "") -> None:
        """Treat the values of a client's properties as secret if their names suggest it."""
        if isinstance(value, dict):
            for name, one in value.items():
                self.add_all(one, named=str(name))
        elif isinstance(value, list):
            for one in value:
                self.add_all(one, named=named)
        elif isinstance(value, str) and _speaks_of_secrets(named):
            self.add(value)

    def clean(self, text: str) -> str:
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, REMOVED)
        return text


def _speaks_of_secrets(name: str) -> bool:
    plain = name.lower().replace(".", "_").replace("-", "_")
    # An authority's public certificate is not secret.
    return any(word in plain for word in _SECRET) and plain not in {"ssl_ca_pem", "token_endpoint"}

"""Organizations' secrets in a file: the local stack's stand-in for Secret Manager."""

import json
from pathlib import Path

from shared.domain.errors import Unavailable


class FileSecrets:
    """Reads ``{organization: {name: value}}``, again whenever the file has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._secrets: dict[str, dict[str, str]] = {}

    def __call__(self, organization_id: str, name: str) -> bytes:
        """Return the secret's value in UTF-8. Raises KeyError if it does not exist."""
        try:
            state = self._path.stat()
            version = (state.st_mtime_ns, state.st_size)
            if version != self._read_at:
                self._secrets = json.loads(self._path.read_text("utf-8"))
                self._read_at = version
        except (OSError, ValueError) as error:
            # The text of a parse error may quote the file.
            raise Unavailable("the secret store", detail=type(error).__name__) from None
        try:
            return self._secrets[organization_id][name].encode()
        except KeyError:
            raise KeyError(name) from None

    def has_changed(self, _organization_id: str, _name: str, _began: float) -> bool:
        """Return False: no value is older than the file."""
        return False

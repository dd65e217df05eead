"""An operator of NATS with its accounts and users: their tokens (JWT), and files of credentials."""

import base64
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nkeys

_LIMITS = dict.fromkeys(["subs", "data", "payload", "imports", "exports", "conn", "leaf"], -1)
_OF_STREAMS = dict.fromkeys(["mem_storage", "disk_storage", "streams", "consumer"], -1)


class Key:
    """A key pair; ``kind`` is a prefix of the `nkeys` package."""

    def __init__(self, kind: int) -> None:
        self.seed = nkeys.encode_seed(os.urandom(32), kind)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.public = self._pair.public_key.decode()

    def token(self, subject: str, claims: Mapping[str, Any], **times: int) -> str:
        """A token about the subject, signed with this key."""
        about = {
            "iss": self.public,
            "sub": subject,
            "name": "test",
            "iat": int(time.time()) - 60,
            "jti": os.urandom(8).hex(),
            "nats": {**claims, "version": 2},
            **times,
        }
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        signed = ".".join(_coded(json.dumps(part).encode()) for part in (head, about))
        return f"{signed}.{_coded(self._pair.sign(signed.encode()))}"


def operator_key() -> Key:
    return Key(nkeys.PREFIX_BYTE_OPERATOR)


def account_key() -> Key:
    return Key(nkeys.PREFIX_BYTE_ACCOUNT)


def user_key() -> Key:
    return Key(nkeys.PREFIX_BYTE_USER)


@dataclass
class Operator:
    """An operator with an account for the system and one with JetStream, in which ``revoked`` is no user."""

    key: Key = field(default_factory=operator_key)
    system: Key = field(default_factory=account_key)
    account: Key = field(default_factory=account_key)
    revoked: Key = field(default_factory=user_key)

    @property
    def config(self) -> str:
        """Lines of a server's configuration with the accounts' tokens in its memory."""
        own = self.key.token(self.key.public, {"type": "operator", "system_account": self.system.public})
        system = {"type": "account", "limits": {**_LIMITS, "wildcards": True}}
        account = {
            "type": "account",
            "limits": {**_LIMITS, **_OF_STREAMS, "wildcards": True},
            "revocations": {self.revoked.public: int(time.time())},
        }
        tokens = {
            self.account.public: self.key.token(self.account.public, account),
            self.system.public: self.key.token(self.system.public, system),
        }
        known = "\n".join(f"  {public}: {token}" for public, token in tokens.items())
        return (
            f"operator: {own}\nsystem_account: {self.system.public}\n"
            f"resolver: MEMORY\nresolver_preload {{\n{known}\n}}\n"
        )

    def credentials(
        self,
        user: Key | None = None,
        *,
        account: Key | None = None,
        publish: Sequence[str] = (),
        **times: int,
    ) -> str:
        """The text of a user's ``.creds`` file; ``publish``: the only subjects that the user may publish to,
        if any are given; ``times``: claims of the token, such as ``exp``.
        """
        user = user or user_key()
        rights = {"allow": list(publish)} if publish else {}
        claims = {"type": "user", "subs": -1, "data": -1, "payload": -1, "pub": rights, "sub": {}}
        return credentials_file((account or self.account).token(user.public, claims, **times), user)


def credentials_file(token: str, user: Key) -> str:
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        "NKEY Seed printed below can be used to sign and prove identity.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n\n"
        "*************************************************************\n"
    )


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

"""Listeners of the broker with authentication: SASL over TLS, and TLS with a client certificate.

The stack's own user connects in plain text. All other users may do only what the rules of Kafka's authorizer
allow.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from infra.local.authority import Authority
from infra.local.ports import LOOPBACK

HOST = "localhost"  # the name in the broker's certificate, which has no address
USER = "exporter"  # logs in with SCRAM or a certificate; has the permissions that a delivery needs
PLAIN_USER = "plain"  # logs in with PLAIN and the same password; has the permissions of at_least_once
_LOGINS = "org.apache.kafka.common.security"


@dataclass(frozen=True, kw_only=True)
class Secured:
    """The parameters of a broker with such listeners: the ports for SASL and for certificates, and the folder
    of the keys that ``prepare`` creates.
    """

    folder: Path
    port: int
    mutual_port: int

    @property
    def password(self) -> str:
        """The password of both users."""
        return (self.folder / "password").read_text()

    @property
    def authority(self) -> str:
        """The certificate of the authority that signed the broker's certificate, in PEM."""
        return (self.folder / "ca.pem").read_text()

    @property
    def client(self) -> dict[str, str]:
        """A client's ``certificate`` and ``private_key``, and the ``ca``."""
        found: dict[str, str] = json.loads((self.folder / "client.json").read_text())
        return found

    @property
    def login(self) -> dict[str, str]:
        """The user's ``username`` and ``password``, and the ``ca``."""
        return {"username": USER, "password": self.password, "ca": self.authority}


def prepare(folder: Path) -> None:
    """Create the keys and certificates of a broker and of a client, and a password."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "password", secrets.token_urlsafe(24))
    authority = Authority()
    certificate, key = authority.issue(HOST)
    _write(folder / "broker.pem", key + certificate)
    _write(folder / "ca.pem", authority.pem)
    client, client_key = authority.issue(USER)
    _write(
        folder / "client.json",
        json.dumps({"certificate": client, "private_key": client_key, "ca": authority.pem}),
    )


def listeners(secured: Secured, settings: dict[str, str]) -> dict[str, str]:
    """Return the broker's ``settings`` with the listeners added."""
    protocols = settings["listener.security.protocol.map"]
    listening = f"SECURE://{LOOPBACK}:{secured.port},MUTUAL://{LOOPBACK}:{secured.mutual_port}"
    advertised = f"SECURE://{HOST}:{secured.port},MUTUAL://{HOST}:{secured.mutual_port}"
    return {
        **settings,
        **_rules(secured.folder, secured.password),
        "listener.security.protocol.map": f"{protocols},SECURE:SASL_SSL,MUTUAL:SSL",
        "listeners": f"{settings['listeners']},{listening}",
        "advertised.listeners": f"{settings['advertised.listeners']},{advertised}",
    }


def _rules(folder: Path, password: str) -> dict[str, str]:
    secure, mutual = "listener.name.secure.", "listener.name.mutual."
    keys = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
    }
    scram = f"{_LOGINS}.scram.ScramLoginModule required;"
    plain = f'{_LOGINS}.plain.PlainLoginModule required user_{PLAIN_USER}="{password}";'
    tokens = f'{_LOGINS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
    unsecured = f"{_LOGINS}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        **{f"{secure}{name}": value for name, value in keys.items()},
        **{f"{mutual}{name}": value for name, value in keys.items()},
        f"{mutual}ssl.client.auth": "required",
        f"{mutual}ssl.principal.mapping.rules": "RULE:^CN=(.*?)$/$1/,DEFAULT",
        f"{secure}sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER",
        f"{secure}scram-sha-256.sasl.jaas.config": scram,
        f"{secure}scram-sha-512.sasl.jaas.config": scram,
        f"{secure}plain.sasl.jaas.config": plain,
        f"{secure}oauthbearer.sasl.jaas.config": tokens,
        f"{secure}oauthbearer.sasl.server.callback.handler.class": unsecured,
    }


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)

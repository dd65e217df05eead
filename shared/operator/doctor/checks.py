"""Checks and their results."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from confluent_kafka import KafkaException
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from shared.domain.errors import BackfillError, RetryLater


class State(StrEnum):
    """The result of a check. ``UNKNOWN``: the check could not run, so it does not count as passed."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "could not be checked"
    NOT_LOCAL = "not on a local stack"


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    says: str


def ok(says: str) -> Verdict:
    return Verdict(State.OK, says)


def wrong(says: str) -> Verdict:
    return Verdict(State.WRONG, says)


def unknown(says: str) -> Verdict:
    return Verdict(State.UNKNOWN, says)


def verdict(faults: list[str], good: str) -> Verdict:
    """Return wrong with every fault, or ``good`` without faults."""
    return wrong("; ".join(faults)) if faults else ok(good)


@dataclass(frozen=True, slots=True)
class Check:
    """``name``: ``area.thing``; ``asks``: one question; ``hint``: the command that fixes a fault."""

    name: str
    asks: str
    ask: Callable[[], Verdict]
    hint: str


@dataclass(frozen=True, slots=True)
class Found:
    """A check that ran, and its result."""

    name: str
    asks: str
    verdict: Verdict
    hint: str


def apply_again(module: str) -> str:
    """Return the hint for objects that one of Terraform's modules creates."""
    return (
        f'terraform -chdir=infra apply -var-file="environments/$ENVIRONMENT.tfvars" -target=module.{module}'
    )


class NotAsked(Exception):  # noqa: N818 - named for what happened
    """The check could not run; the message says why."""


class NotOnLocalStack(Exception):  # noqa: N818 - named for what it is
    """A local stack has no counterpart of what the check looks at; the message says why."""


_RIGHTS: Final = (exceptions.Forbidden, exceptions.Unauthorized)
_LONGEST: Final = 400


def carry_out(check: Check, clean: Callable[[str], str] = str) -> Found:
    """Run the check and turn every exception into a result: a check never ends the others.

    ``clean`` removes secrets from an error's text, before the text is shortened: the rest of a secret that
    was cut could not be recognized.
    """
    return Found(check.name, check.asks, _asked(check, clean), check.hint)


def _asked(check: Check, clean: Callable[[str], str]) -> Verdict:  # noqa: PLR0911 - one line a kind of error
    try:
        return check.ask()
    except NotOnLocalStack as error:
        return Verdict(State.NOT_LOCAL, str(error))
    except NotAsked as error:
        return unknown(str(error))
    except _RIGHTS as error:
        return unknown(f"a permission is missing for this check: {error.message}")
    except exceptions.NotFound as error:
        return wrong(f"not found: {error.message}")
    except RetryLater as error:
        return unknown(f"unreachable: {error.message} ({shortened(error.detail, clean)})")
    except BackfillError as error:
        return wrong(f"{error.message} ({shortened(error.detail, clean)})")
    except KafkaException as error:
        return unknown(f"Kafka: {error.args[0].str()}")
    except (exceptions.GoogleAPIError, GoogleAuthError, RequestException, OSError) as error:
        return unknown(f"unreachable: {type(error).__name__}: {shortened(str(error), clean)}")
    except Exception as error:  # noqa: BLE001 - an answer of an unforeseen form must not hide the others
        return unknown(f"unforeseen: {type(error).__name__}: {shortened(str(error), clean)}")


def shortened(text: str, clean: Callable[[str], str]) -> str:
    """Return the beginning of the text's first line, free of secrets."""
    return clean(text).partition("\n")[0][:_LONGEST]

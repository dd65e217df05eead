"""What a check is, and what it may find."""

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
    """``UNKNOWN``: it could not be asked, so it is not taken as good."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "could not be looked at"
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
    """Wrong, naming every fault, or ``good``."""
    return wrong("; ".join(faults)) if faults else ok(good)


@dataclass(frozen=True, slots=True)
class Check:
    """``name``: ``area.thing``; ``asks``: one sentence; ``hint``: the command that mends what is wrong."""

    name: str
    asks: str
    ask: Callable[[], Verdict]
    hint: str


@dataclass(frozen=True, slots=True)
class Found:
    """A check that was carried out."""

    name: str
    asks: str
    verdict: Verdict
    hint: str


def apply_again(module: str) -> str:
    """The hint for what Terraform makes in one of its modules."""
    return (
        f'terraform -chdir=infra apply -var-file="environments/$ENVIRONMENT.tfvars" -target=module.{module}'
    )


class NotAsked(Exception):  # noqa: N818 - named for what happened
    """The question could not be asked; why, for a person."""


class NotOnLocalStack(Exception):  # noqa: N818 - named for what it is
    """A local stack has no counterpart of what is asked for; why, for a person."""


_RIGHTS: Final = (exceptions.Forbidden, exceptions.Unauthorized)
_LONGEST: Final = 400


def carry_out(check: Check) -> Found:
    """Ask, and take whatever is raised for an answer: a check never ends the others."""
    return Found(check.name, check.asks, _asked(check), check.hint)


def _asked(check: Check) -> Verdict:  # noqa: PLR0911 - one line a kind of error
    try:
        return check.ask()
    except NotOnLocalStack as error:
        return Verdict(State.NOT_LOCAL, str(error))
    except NotAsked as error:
        return unknown(str(error))
    except _RIGHTS as error:
        return unknown(f"a right is missing to ask: {error.message}")
    except exceptions.NotFound as error:
        return wrong(f"not there: {error.message}")
    except RetryLater as error:
        return unknown(f"out of reach: {error.message} ({first_line(error.detail)})")
    except BackfillError as error:
        return wrong(f"{error.message} ({first_line(error.detail)})")
    except KafkaException as error:
        return unknown(f"Kafka: {error.args[0].str()}")
    except (exceptions.GoogleAPIError, GoogleAuthError, RequestException, OSError) as error:
        return unknown(f"out of reach: {type(error).__name__}: {first_line(str(error))}")
    except Exception as error:  # noqa: BLE001 - an answer of an unforeseen form must not hide the others
        return unknown(f"unforeseen: {type(error).__name__}: {first_line(str(error))}")


def first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0][:_LONGEST]

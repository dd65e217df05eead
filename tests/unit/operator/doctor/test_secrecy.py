"""The doctor removes secrets from its report before anything changes or shortens the text."""

import pytest

from shared.config import read
from shared.domain.errors import BackfillError, Unavailable, UnloadRefused
from shared.operator.doctor.checks import Check, Verdict, carry_out, shortened, wrong
from shared.operator.doctor.command import Doctor
from shared.operator.doctor.google import Google
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.world import World
from tests.fakes.clock import FakeClock

SECRET = "hush  hush\nkey"


@pytest.fixture
def secrecy() -> Secrecy:
    one = Secrecy()
    one.add(SECRET)
    return one


@pytest.mark.parametrize("before", range(386, 402))
def test_a_secret_across_the_cut_is_removed_whole(secrecy: Secrecy, before: int) -> None:
    assert "hush" not in shortened("x" * before + SECRET, secrecy.clean)


def test_a_secret_across_the_end_of_the_first_line_is_removed_whole(secrecy: Secrecy) -> None:
    assert shortened(f"refused {SECRET} there\nand more", secrecy.clean) == "refused [removed] there"


@pytest.mark.parametrize(
    "error",
    [Unavailable("Snowflake", detail=SECRET), UnloadRefused("refused", detail=SECRET), OSError(SECRET)],
    ids=lambda error: type(error).__name__,
)
def test_an_errors_text_is_free_of_secrets(secrecy: Secrecy, error: BackfillError | OSError) -> None:
    def fail() -> Verdict:
        raise error

    found = carry_out(Check("area.thing", "Is it?", fail, "mend it"), secrecy.clean)
    assert "hush" not in found.verdict.says
    assert "[removed]" in found.verdict.says


def test_a_secret_with_spaces_is_removed_from_a_line(secrecy: Secrecy) -> None:
    settings = read({"GOOGLE_CLOUD_PROJECT": "example"})
    world = World(settings=settings, interfaces=Google("example"), secrecy=secrecy, now=FakeClock().now)
    found = carry_out(Check("area.thing", "Is it?", lambda: wrong(f"it is {SECRET}"), "mend it"))
    assert "hush" not in "\n".join(Doctor(world).lines([found]))

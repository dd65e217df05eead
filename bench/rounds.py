"""Rounds of variants: each variant runs once per round, in alternating order."""

from collections.abc import Callable, Mapping

Measured = Mapping[str, float]
Variant = Callable[[], Measured]


def paired(variants: Mapping[str, Variant], rounds: int) -> dict[str, list[Measured]]:
    """Run all variants in each round, alternately in forward and reverse order; return each one's results by
    round.

    The machine is shared and its clock speed varies, so only runs of the same round are comparable.
    """
    found: dict[str, list[Measured]] = {name: [] for name in variants}
    for turn in range(rounds):
        for name in list(variants)[:: -1 if turn % 2 else 1]:
            found[name].append(variants[name]())
    return found

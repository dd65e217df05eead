"""The dead-letter function with crash points."""

from tests.reliability.crash.hooked import hooked

handle = hooked("dead_letter")

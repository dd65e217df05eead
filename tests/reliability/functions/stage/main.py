"""The staging function with crash points."""

from tests.reliability.crash.hooked import hooked

handle = hooked("stage")

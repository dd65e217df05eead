"""The API with crash points."""

from tests.reliability.crash.hooked import hooked

handle = hooked("api")

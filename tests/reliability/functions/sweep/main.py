"""The sweep with crash points."""

from tests.reliability.crash.hooked import hooked

handle = hooked("sweep")

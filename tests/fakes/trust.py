"""The system's certificate authorities, which take a moment to read."""

import functools
import ssl


@functools.cache
def usual_tls() -> ssl.SSLContext:
    """Return one context for all tests that verify no certificate with it."""
    return ssl.create_default_context()

"""Free ports on the loopback address, and whether something answers there."""

import random
import socket

import urllib3

LOOPBACK = "127.0.0.1"

# Below the range from which Linux takes the source ports of outgoing connections (32768 and up): a
# function's port must stay free in the moment between its process's death and the next one's start.
_PORTS = range(20_000, 32_000)

_http = urllib3.PoolManager(retries=False)


def free_ports(count: int) -> list[int]:
    """Different ports that nothing listens on now; chosen at random, so that two stacks seldom meet."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            return found
        if _is_free(port):
            found.append(port)
    raise OSError(f"fewer than {count} free ports between {_PORTS.start} and {_PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether a process accepts connections on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers_ok(port: int) -> bool:
    """Whether ``GET /`` answers 200, which is how Google's emulators say that they are ready."""
    try:
        return _http.request("GET", f"http://{LOOPBACK}:{port}/", timeout=1).status == 200  # noqa: PLR2004 - OK
    except urllib3.exceptions.HTTPError:
        return False

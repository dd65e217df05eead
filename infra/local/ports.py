"""Finds free ports on the loopback address, and checks whether something answers on a port."""

import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path

import urllib3

LOOPBACK = "127.0.0.1"

# Below Linux's range for the source ports of outgoing connections (32768 and up). A function's port must stay
# free between the end of its process and the start of the next one.
_FIRST, _LAST = 20_000, 32_000
_BLOCK = 20

_http = urllib3.PoolManager(retries=False)
_lock = threading.Lock()
_claimed: list[int] = []  # claimed but not handed out yet


def free_ports(count: int) -> list[int]:
    """Return different ports that nothing listens on. No other process gets them while this process lives.

    Otherwise two stacks that start at the same time could get the same port, because each checks it before
    either listens.
    """
    found: list[int] = []
    with _lock:
        blocks = iter(random.sample(range(_FIRST, _LAST, _BLOCK), (_LAST - _FIRST) // _BLOCK))
        while len(found) < count:
            while not _claimed:
                first = next(blocks, None)
                if first is None:
                    raise OSError(f"fewer than {count} free ports between {_FIRST} and {_LAST}")
                if _claim(first):
                    _claimed.extend(range(first, first + _BLOCK))
            port = _claimed.pop()
            if _is_free(port):
                found.append(port)
    return found


def _claim(first: int) -> bool:
    """Return whether the block of ports is ours. The lock lasts until the process ends."""
    claim = Path(tempfile.gettempdir(), f"backfills-ports-{first}")
    try:
        descriptor = os.open(claim, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # the file belongs to another user
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True  # the descriptor stays open and keeps the lock


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Return whether a process accepts connections on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers_ok(port: int) -> bool:
    """Return whether ``GET /`` answers 200, by which Google's emulators report that they are ready."""
    try:
        return _http.request("GET", f"http://{LOOPBACK}:{port}/", timeout=1).status == 200  # noqa: PLR2004 - OK
    except urllib3.exceptions.HTTPError:
        return False

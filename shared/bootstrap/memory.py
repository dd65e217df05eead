"""Have the C library keep the memory that a batch leaves, for the next one.

By default glibc hands a freed block of half a megabyte back to the kernel, and the next one is new pages,
each a fault and 4 kB of zeros. A delivery makes and drops several such blocks a batch: copying one took
1.6 ms that way, and takes 0.03 ms in memory that is there (``docs/decisions/013-kept-memory.md``).
"""

import ctypes

_TRIM_THRESHOLD = -1, 64 * 1024 * 1024  # of free memory at a heap's end, so much may stay
_MMAP_THRESHOLD = -3, 32 * 1024 * 1024  # the most that glibc allows


def keep_freed_memory() -> bool:
    """Set both thresholds for this process; False where the C library has no such setting."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*setting) for setting in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))

"""Make the C library keep the memory that a batch frees for the next batch.

By default, glibc returns a freed block of half a megabyte to the kernel. The next block then consists of new
pages, each of which costs a page fault and 4 kB of zeros. A delivery allocates and frees several such blocks
per batch. Copying one took 1.6 ms that way, and takes 0.03 ms in kept memory
(``docs/decisions/013-kept-memory.md``).
"""

import ctypes

_TRIM_THRESHOLD = -1, 64 * 1024 * 1024  # bytes of free memory that may stay at a heap's end
_MMAP_THRESHOLD = -3, 32 * 1024 * 1024  # the most that glibc allows


def keep_freed_memory() -> bool:
    """Set both thresholds for this process. Return False if the C library has no such setting."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*setting) for setting in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))

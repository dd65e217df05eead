"""Compression of request bodies."""

import gzip

GZIP, ZSTD = "gzip", "zstd"
# For rows as JSON, higher levels save little and cost much.
_GZIP_LEVEL = 3
_ZSTD_LEVEL = 3


def compressed(body: bytes, how: str | None) -> bytes:
    """Return the body in that ``Content-Encoding``; unchanged for None. Safe for several threads."""
    if how == GZIP:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0)
    if how == ZSTD:
        import zstandard

        return zstandard.ZstdCompressor(_ZSTD_LEVEL).compress(body)
    return body

"""Parquet chunk → JSON rows, the hot path: ``ParquetRows`` reads a staged file into ``EncodedBatch``es."""

from shared.encoding.batch import EncodedBatch
from shared.encoding.parquet import ParquetRows

__all__ = ["EncodedBatch", "ParquetRows"]

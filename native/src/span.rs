//! The bytes of one row group, at their position in the file.

use std::io::Cursor;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// `bytes` from the file's offset `start` on; the rest of the file is unreadable.
pub struct Span {
    pub start: u64,
    pub bytes: Bytes,
}

impl Length for Span {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl Span {
    fn at(&self, offset: u64) -> Result<usize> {
        let within = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        within
            .filter(|&at| at <= self.bytes.len())
            .ok_or_else(|| ParquetError::EOF(format!("byte {offset} is not in the row group")))
    }
}

impl ChunkReader for Span {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(Cursor::new(self.bytes.slice(self.at(start)?..)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let first = self.at(start)?;
        let last = self.at(start.saturating_add(length as u64))?;
        Ok(self.bytes.slice(first..last))
    }
}

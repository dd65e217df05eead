//! Why the crate cannot read rows. The Python encoder then reads them, and it alone words a file's
//! errors.

use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::PyException;

create_exception!(backfills_native, Unreadable, PyException);

#[derive(Debug)]
pub struct Fault(String);

impl Fault {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<parquet::errors::ParquetError> for Fault {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self(error.to_string())
    }
}

impl From<arrow_schema::ArrowError> for Fault {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self(error.to_string())
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Unreadable::new_err(fault.0)
    }
}

//! Staged Parquet files as JSON lines: the hot path of `shared/encoding`, which defines the format.

mod batch;
mod column;
mod fault;
mod json;
mod lines;
mod marks;
mod pages;
mod room;
mod rows;
mod span;
mod text;

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use batch::Batch;
use column::Column;
use fault::{Fault, unpanicked};
use rows::Rows;

create_exception!(backfills_native, Unreadable, PyException);

/// See `native/backfills_native.pyi`.
#[pyclass(frozen)]
struct Reader {
    rows: Mutex<Rows>,
    embeddable: Py<PyAny>,
}

impl Reader {
    /// Runs the work without the interpreter's lock.
    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Rows) -> Result<T, Fault> + Send,
    ) -> Result<T, Fault> {
        py.detach(|| {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            unpanicked(|| work(&mut rows))
        })
    }

    fn embedded(&self, text: &[u8]) -> Result<Vec<u8>, Fault> {
        Python::attach(|py| {
            let made = self.embeddable.call1(py, (PyBytes::new(py, text),));
            made.and_then(|value| Ok(value.extract::<PyBackedBytes>(py)?.to_vec()))
                .map_err(|error| Fault::new(error.to_string()))
        })
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Unreadable::new_err(fault.0)
    }
}

#[pymethods]
impl Reader {
    #[new]
    fn new(
        footer: PyBackedBytes,
        columns: Vec<(usize, Option<String>, bool)>,
        key: Option<usize>,
        embeddable: Py<PyAny>,
    ) -> PyResult<Self> {
        let first = columns.iter().position(|(_, name, _)| name.is_some());
        let columns = columns.iter().enumerate().map(|(nth, (place, name, is_json))| {
            Column::new(*place, name.as_deref(), *is_json, Some(nth) == first)
        });
        let rows = unpanicked(|| Rows::new(&footer, columns.collect(), key))?;
        Ok(Self { rows: Mutex::new(rows), embeddable })
    }

    fn span(&self, py: Python<'_>, group: usize) -> PyResult<(u64, u64)> {
        Ok(self.work(py, |rows| rows.span(group))?)
    }

    fn open(
        &self,
        py: Python<'_>,
        group: usize,
        start: u64,
        content: PyBackedBytes,
        rows_per_read: usize,
        skip: usize,
    ) -> PyResult<()> {
        let content = Bytes::from_owner(content);
        Ok(self.work(py, |rows| rows.open(group, start, content, rows_per_read, skip))?)
    }

    fn next(
        &self,
        py: Python<'_>,
        most_rows: usize,
        most_bytes: usize,
        first_row: u64,
    ) -> PyResult<Option<Batch>> {
        let lines = self.work(py, |rows| rows.next(most_rows, most_bytes, &|text| self.embedded(text)))?;
        Ok(lines.map(|lines| Batch::new(lines, first_row)))
    }

    fn rest(&self, py: Python<'_>, first_row: u64) -> PyResult<Option<Batch>> {
        let lines = self.work(py, |rows| Ok(rows.rest()))?;
        Ok(lines.map(|lines| Batch::new(lines, first_row)))
    }
}

#[pymodule]
fn backfills_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Panics become errors; printing them too would put lines that are not JSON into the log.
    std::panic::set_hook(Box::new(|_| ()));
    module.add_class::<Reader>()?;
    module.add_class::<Batch>()?;
    module.add("Unreadable", module.py().get_type::<Unreadable>())
}

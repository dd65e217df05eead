//! Consecutive rows of a chunk as JSON text.

use std::sync::Arc;

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::lines::Lines;

/// See `shared/encoding/batch.py`: both have the same methods.
#[pyclass(frozen)]
pub struct Batch {
    lines: Arc<Lines>,
    start: usize, // its first row within the lines
    #[pyo3(get)]
    rows: usize,
    #[pyo3(get)]
    first_row: u64,
}

impl Batch {
    pub fn new(lines: Lines, first_row: u64) -> Self {
        Self { rows: lines.rows.ends.len(), lines: Arc::new(lines), start: 0, first_row }
    }

    fn text(&self) -> &[u8] {
        let rows = &self.lines.rows;
        &rows.bytes[rows.start(self.start)..rows.start(self.start + self.rows)]
    }

    fn places(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.rows
    }
}

#[pymethods]
impl Batch {
    #[getter]
    fn size(&self) -> usize {
        self.text().len()
    }

    #[getter]
    fn ndjson<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.text())
    }

    fn part(&self, start: usize, rows: usize) -> PyResult<Self> {
        if start.checked_add(rows).is_none_or(|end| end > self.rows) {
            return Err(PyIndexError::new_err(format!("no {rows} rows from {start} of {}", self.rows)));
        }
        Ok(Self {
            lines: Arc::clone(&self.lines),
            start: self.start + start,
            rows,
            first_row: self.first_row + start as u64,
        })
    }

    fn lines<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let row = |nth: usize| {
            let line = self.lines.rows.nth(nth);
            PyBytes::new(py, &line[..line.len() - 1])
        };
        PyList::new(py, self.places().map(row))
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let Some(keys) = &self.lines.keys else { return Ok(None) };
        let key = |nth: usize| keys.some[nth].then(|| PyBytes::new(py, keys.texts.nth(nth)));
        PyList::new(py, self.places().map(key)).map(Some)
    }

    fn json_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let text = self.text();
        let before = self.lines.rows.start(self.start);
        PyBytes::new_with(py, text.len() + 1, |array| {
            array[0] = b'[';
            array[1..].copy_from_slice(text);
            for nth in self.places() {
                array[self.lines.rows.ends[nth] - before] = b',';
            }
            array[text.len()] = b']';
            Ok(())
        })
    }
}

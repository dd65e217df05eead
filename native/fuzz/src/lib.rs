//! What must hold of the crate whatever it reads. Its modules are compiled here without Python.

#![allow(dead_code)] // the crate itself uses all of it

#[path = "../../src/column.rs"]
mod column;
#[path = "../../src/fault.rs"]
mod fault;
#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/lines.rs"]
mod lines;
#[path = "../../src/marks.rs"]
mod marks;
#[path = "../../src/pages.rs"]
mod pages;
#[path = "../../src/room.rs"]
mod room;
#[path = "../../src/rows.rs"]
mod rows;
#[path = "../../src/span.rs"]
mod span;
#[path = "../../src/text.rs"]
mod text;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaDataReader;
use serde_json::Value;

use column::Column;
use fault::{Fault, unpanicked};
use lines::Lines;
use room::Room;
use rows::Rows;

const BYTES_PER_BATCH: usize = 256; // a few rows, so that this limit is met as well
const MOST_COLUMNS: usize = 16;
const MOST_GROUPS: usize = 8;
const MOST_ROWS: i64 = 100_000; // few bytes can stand for many rows, which take time
const ROWS_PER_READ: usize = 64;

/// The Parquet crate panics on some damaged files, which the product takes for a fault of the file.
pub fn expect_panics() {
    std::panic::set_hook(Box::new(|_| ()));
}

/// Reads any bytes as a staged file. Whatever the rows are, each is one line with one JSON object.
///
/// A Parquet file begins with four bytes that no reader needs: they choose how the rest is read.
pub fn file(data: &[u8]) {
    if let Ok(batches) = unpanicked(|| read(data)) {
        batches.iter().for_each(check);
    }
}

fn read(data: &[u8]) -> Result<Vec<Lines>, Fault> {
    let [rows, skip, key, kinds, ..] = *data else { return Err(Fault::new("too short")) };
    // Without this end, the Python side does not even open the file.
    let end = data.strip_suffix(b"PAR1").and_then(|data| data.len().checked_sub(4));
    let end = end.ok_or_else(|| Fault::new("no Parquet file"))?;
    let length = data[end..end + 4].try_into().map_or(0, u32::from_le_bytes) as usize;
    let start = end.checked_sub(length).ok_or_else(|| Fault::new("too short"))?;
    let footer = &data[start..end];
    let metadata = ParquetMetaDataReader::decode_metadata(footer)?;
    if metadata.row_groups().iter().any(|group| group.num_rows() > MOST_ROWS) {
        return Err(Fault::new("too long"));
    }
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields().len();
    let columns = (0..fields.min(MOST_COLUMNS)).map(|place| {
        let is_json = kinds >> (place % 8) & 1 == 1;
        Column::new(place, Some(&format!("field \"{place}\"")), is_json, place == 0)
    });
    let key = usize::from(key);
    let mut rows_of = Rows::new(footer, columns.collect(), (key < fields.min(MOST_COLUMNS)).then_some(key))?;
    let mut batches = Vec::new();
    for group in 0..metadata.num_row_groups().min(MOST_GROUPS) {
        let (first, last) = rows_of.span(group)?;
        let content = usize::try_from(first).ok().zip(usize::try_from(last).ok());
        let content = content.and_then(|(first, last)| data.get(first..last));
        let content = Bytes::copy_from_slice(content.ok_or_else(|| Fault::new("ends behind the file"))?);
        rows_of.open(group, first, content, ROWS_PER_READ, usize::from(skip))?;
        let embed = |_: &[u8]| Ok(b"\"embedded\"".to_vec());
        while let Some(batch) = rows_of.next(usize::from(rows) + 1, BYTES_PER_BATCH, &embed)? {
            batches.push(batch);
        }
    }
    batches.extend(rows_of.rest());
    Ok(batches)
}

fn check(lines: &Lines) {
    let rows = &lines.rows;
    for nth in 0..rows.ends.len() {
        let Some((b'\n', line)) = rows.nth(nth).split_last() else { fail("a row without its newline") };
        if line.contains(&b'\n') {
            fail("a row of two lines");
        }
        if !serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object()) {
            fail(&format!("no JSON object: {}", String::from_utf8_lossy(line)));
        }
    }
    if lines.keys.as_ref().is_some_and(|keys| keys.some.len() != rows.ends.len()) {
        fail("not one key a row");
    }
}

/// Compares what is written of any text, and whether it is JSON, with serde_json.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(!json::is_surely_json(data) || is_json(text), "serde_json refuses it");
    let written = Room::grown(|room| text::write(text, room));
    assert_eq!(Some(written), serde_json::to_vec(text).ok());
}

fn is_json(text: &str) -> bool {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let mut values = reader.into_iter::<Value>();
    values.next().is_some_and(|value| value.is_ok()) && values.next().is_none()
}

fn fail(what: &str) -> ! {
    eprintln!("{what}");
    std::process::abort() // a panic would be caught
}

//! One column: its values, and how to write each of them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::DataType;

use crate::fault::Fault;
use crate::room::{Full, Room};
use crate::{json, text};

/// A column of the job: its place in the file, and its field's name unless it is hidden.
pub struct Column {
    pub place: usize,
    pub label: Option<Label>,
    pub is_json: bool,
}

/// What precedes a field's value: `,"name":`, or `{"name":` for the first field.
pub struct Label {
    text: Vec<u8>,
    short: [u8; SHORT], // a copy of it, if it is not longer
}

const SHORT: usize = 32;

impl Column {
    pub fn new(place: usize, name: Option<&str>, is_json: bool, is_first: bool) -> Self {
        Self { place, label: name.map(|name| Label::new(name, is_first)), is_json }
    }
}

impl Label {
    fn new(name: &str, is_first: bool) -> Self {
        let text = Room::grown(|room| {
            room.put(if is_first { b"{" } else { b"," })?;
            text::write(name, room)?;
            room.put(b":")
        });
        let mut short = [0; SHORT];
        if let Some(short) = short.get_mut(..text.len()) {
            short.copy_from_slice(&text);
        }
        Self { text, short }
    }

    #[inline]
    pub fn write(&self, room: &mut Room<'_>) -> Result<(), Full> {
        match self.text.len() {
            length @ ..=SHORT => room.put_of(&self.short, length),
            _ => room.put(&self.text),
        }
    }
}

/// Of any column that holds no text.
const LONGEST_NUMBER: usize = 128;

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// Why a value is not written.
pub enum Stop {
    Full,
    Fault(Fault),
}

impl From<Full> for Stop {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Full => Self::new("a value without room"),
            Stop::Fault(fault) => fault,
        }
    }
}

/// Converts text that may not be JSON to a JSON value, like the Python encoder.
pub type Embed<'a> = &'a dyn Fn(&[u8]) -> Result<Vec<u8>, Fault>;

/// The values of a column from one read.
pub enum Values {
    Null,
    Text(StringViewArray),
    Json(StringViewArray),
    Boolean(BooleanArray),
    Int8(Int8Array),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt8(UInt8Array),
    UInt16(UInt16Array),
    UInt32(UInt32Array),
    UInt64(UInt64Array),
    Decimal128(Decimal128Array),
    Decimal256(Decimal256Array),
    Float16(Float16Array),
    Float32(Float32Array),
    Float64(Float64Array),
}

macro_rules! write_value {
    ($array:expr, $row:expr, $room:expr, $write:expr) => {
        if $array.is_null($row) { $room.put(b"null")? } else { $write($array.value($row), $room)? }
    };
}

impl Values {
    /// Fails for types that no column of a job has, and for decimals with more digits than their
    /// type.
    pub fn of(array: &Arc<dyn Array>, is_json: bool) -> Result<Self, Fault> {
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Utf8View if is_json => Self::Json(array.as_string_view().clone()),
            DataType::Utf8View => Self::Text(array.as_string_view().clone()),
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::Int8 => Self::Int8(array.as_primitive::<Int8Type>().clone()),
            DataType::Int16 => Self::Int16(array.as_primitive::<Int16Type>().clone()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().clone()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().clone()),
            DataType::UInt8 => Self::UInt8(array.as_primitive::<UInt8Type>().clone()),
            DataType::UInt16 => Self::UInt16(array.as_primitive::<UInt16Type>().clone()),
            DataType::UInt32 => Self::UInt32(array.as_primitive::<UInt32Type>().clone()),
            DataType::UInt64 => Self::UInt64(array.as_primitive::<UInt64Type>().clone()),
            DataType::Decimal128(precision, 0) => {
                let decimals = array.as_primitive::<Decimal128Type>();
                decimals.validate_decimal_precision(*precision)?;
                Self::Decimal128(decimals.clone())
            }
            DataType::Decimal256(precision, 0) => {
                let decimals = array.as_primitive::<Decimal256Type>();
                decimals.validate_decimal_precision(*precision)?;
                Self::Decimal256(decimals.clone())
            }
            DataType::Float16 => Self::Float16(array.as_primitive::<Float16Type>().clone()),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>().clone()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().clone()),
            other => return Err(Fault::new(format!("a column of type {other}"))),
        })
    }

    /// Writes the row's value as JSON.
    #[inline]
    pub fn write(&self, row: usize, room: &mut Room<'_>, embed: Embed<'_>) -> Result<(), Stop> {
        match self {
            Self::Text(array) => write_value!(array, row, room, text::write),
            other => other.write_other(row, room, embed)?,
        }
        Ok(())
    }

    /// Not inlined: most values are texts, whose loop it would slow down.
    #[inline(never)]
    fn write_other(&self, row: usize, room: &mut Room<'_>, embed: Embed<'_>) -> Result<(), Stop> {
        match self {
            Self::Null | Self::Text(_) => room.put(b"null")?,
            Self::Json(array) if array.is_null(row) => room.put(b"null")?,
            Self::Json(array) => write_json(array.value(row).as_bytes(), room, embed)?,
            Self::Boolean(array) => write_value!(array, row, room, write_boolean),
            Self::Int8(array) => write_value!(array, row, room, write_number),
            Self::Int16(array) => write_value!(array, row, room, write_number),
            Self::Int32(array) => write_value!(array, row, room, write_number),
            Self::Int64(array) => write_value!(array, row, room, write_number),
            Self::UInt8(array) => write_value!(array, row, room, write_number),
            Self::UInt16(array) => write_value!(array, row, room, write_number),
            Self::UInt32(array) => write_value!(array, row, room, write_number),
            Self::UInt64(array) => write_value!(array, row, room, write_number),
            Self::Decimal128(array) => write_value!(array, row, room, write_number),
            Self::Decimal256(array) => write_value!(array, row, room, write_wide),
            Self::Float16(array) => {
                write_value!(array, row, room, |half: Half, room| write_float(half.to_f64(), room));
            }
            // The shortest text of a float32 reads back as a different double.
            Self::Float32(array) => {
                write_value!(array, row, room, |single: f32, room| write_float(single.into(), room));
            }
            Self::Float64(array) => write_value!(array, row, room, write_float),
        }
        Ok(())
    }

    /// Writes the row's value as the text of a key; returns false for a null, without writing
    /// anything.
    pub fn write_key(&self, row: usize, into: &mut Vec<u8>, embed: Embed<'_>) -> Result<bool, Stop> {
        let mut number = [0; LONGEST_NUMBER];
        let key = match self {
            Self::Text(array) | Self::Json(array) => array.is_valid(row).then(|| array.value(row).as_bytes()),
            other => {
                let mut room = Room::new(&mut number, 0);
                other.write_other(row, &mut room, embed)?;
                let end = room.at();
                Some(&number[..end]).filter(|&key| key != b"null")
            }
        };
        into.extend_from_slice(key.unwrap_or_default());
        Ok(key.is_some())
    }
}

fn write_boolean(value: bool, room: &mut Room<'_>) -> Result<(), Full> {
    room.put(if value { b"true" } else { b"false" })
}

#[inline]
fn write_number<N: lexical_core::ToLexical>(value: N, room: &mut Room<'_>) -> Result<(), Full> {
    room.put_with(N::FORMATTED_SIZE_DECIMAL, |into| lexical_core::write(value, into).len())
}

fn write_wide(value: i256, room: &mut Room<'_>) -> Result<(), Full> {
    room.put(value.to_string().as_bytes())
}

#[inline]
fn write_float(value: f64, room: &mut Room<'_>) -> Result<(), Full> {
    if value.is_finite() { write_number(value, room) } else { room.put(b"null") }
}

fn write_json(value: &[u8], room: &mut Room<'_>, embed: Embed<'_>) -> Result<(), Stop> {
    if !json::is_surely_json(value) {
        return Ok(room.put(&embed(value)?)?);
    }
    room.put_with(value.len(), |into| {
        // A newline between tokens is only white space in JSON, but it would split the row in two.
        for (byte, into) in value.iter().zip(into) {
            *into = if *byte == b'\n' { b' ' } else { *byte };
        }
        value.len()
    })?;
    Ok(())
}

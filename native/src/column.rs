//! One column: its values, and how to write each of them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::DataType;

use crate::fault::Fault;
use crate::{json, text};

/// A column of the job: its place in the file, and its field's name unless it is hidden.
///
/// The label is `,"name":`, or `{"name":` for the first field.
pub struct Column {
    pub place: usize,
    pub label: Option<Vec<u8>>,
    pub is_json: bool,
}

impl Column {
    pub fn new(place: usize, name: Option<&str>, is_json: bool, is_first: bool) -> Self {
        let label = name.map(|name| {
            let mut label = vec![if is_first { b'{' } else { b',' }];
            text::write(name, &mut label);
            label.push(b':');
            label
        });
        Self { place, label, is_json }
    }
}

type Half = <Float16Type as ArrowPrimitiveType>::Native;

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
    ($array:expr, $row:expr, $into:expr, $write:expr) => {
        if $array.is_null($row) {
            $into.extend_from_slice(b"null");
        } else {
            $write($array.value($row), $into);
        }
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
    pub fn write(&self, row: usize, into: &mut Vec<u8>, embed: Embed<'_>) -> Result<(), Fault> {
        match self {
            Self::Null => into.extend_from_slice(b"null"),
            Self::Text(array) => write_value!(array, row, into, text::write),
            Self::Json(array) if array.is_null(row) => into.extend_from_slice(b"null"),
            Self::Json(array) => return write_json(array.value(row).as_bytes(), into, embed),
            Self::Boolean(array) => write_value!(array, row, into, write_boolean),
            Self::Int8(array) => write_value!(array, row, into, write_integer),
            Self::Int16(array) => write_value!(array, row, into, write_integer),
            Self::Int32(array) => write_value!(array, row, into, write_integer),
            Self::Int64(array) => write_value!(array, row, into, write_integer),
            Self::UInt8(array) => write_value!(array, row, into, write_integer),
            Self::UInt16(array) => write_value!(array, row, into, write_integer),
            Self::UInt32(array) => write_value!(array, row, into, write_integer),
            Self::UInt64(array) => write_value!(array, row, into, write_integer),
            Self::Decimal128(array) => write_value!(array, row, into, write_integer),
            Self::Decimal256(array) => write_value!(array, row, into, write_wide),
            Self::Float16(array) => {
                write_value!(array, row, into, |half: Half, into| write_float(half.to_f64(), into));
            }
            // The shortest text of a float32 reads back as a different double.
            Self::Float32(array) => {
                write_value!(array, row, into, |single: f32, into| write_float(single.into(), into));
            }
            Self::Float64(array) => write_value!(array, row, into, write_float),
        }
        Ok(())
    }

    /// Writes the row's value as the text of a key; returns false for a null, without writing
    /// anything.
    pub fn write_key(&self, row: usize, into: &mut Vec<u8>, embed: Embed<'_>) -> Result<bool, Fault> {
        let texts = match self {
            Self::Text(array) | Self::Json(array) => array,
            other => {
                let before = into.len();
                other.write(row, into, embed)?;
                let some = &into[before..] != b"null";
                into.truncate(if some { into.len() } else { before });
                return Ok(some);
            }
        };
        let some = texts.is_valid(row);
        if some {
            into.extend_from_slice(texts.value(row).as_bytes());
        }
        Ok(some)
    }
}

fn write_boolean(value: bool, into: &mut Vec<u8>) {
    into.extend_from_slice(if value { b"true" } else { b"false" });
}

fn write_integer<I: itoa::Integer>(value: I, into: &mut Vec<u8>) {
    into.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn write_wide(value: i256, into: &mut Vec<u8>) {
    into.extend_from_slice(value.to_string().as_bytes());
}

fn write_float(value: f64, into: &mut Vec<u8>) {
    if value.is_finite() {
        let mut room = [0; lexical_core::BUFFER_SIZE];
        into.extend_from_slice(lexical_core::write(value, &mut room));
    } else {
        into.extend_from_slice(b"null");
    }
}

fn write_json(value: &[u8], into: &mut Vec<u8>, embed: Embed<'_>) -> Result<(), Fault> {
    if !json::is_surely_json(value) {
        into.extend_from_slice(&embed(value)?);
        return Ok(());
    }
    let before = into.len();
    into.extend_from_slice(value);
    // A newline between tokens is only white space in JSON, but it would split the row in two.
    into[before..].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    Ok(())
}

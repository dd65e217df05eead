//! JSON strings.

use crate::marks::{Marks, STEP, must_escape};
use crate::room::{Full, Room};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes `text` as a JSON string, with the escapes that serde_json writes.
#[inline]
pub fn write(text: &str, room: &mut Room<'_>) -> Result<(), Full> {
    let bytes = text.as_bytes();
    if let [first, within @ .., last] = room.ahead(bytes.len() + 2)? {
        (*first, *last) = (b'"', b'"');
        if copy_if_plain(bytes, within) {
            room.took(bytes.len() + 2);
            return Ok(());
        }
    }
    write_escaped(bytes, room)
}

/// Copies the bytes, unless one of them must be escaped; returns whether it has.
///
/// All copies have a size that the compiler knows. The last one overlaps the one before.
#[inline]
fn copy_if_plain(bytes: &[u8], into: &mut [u8]) -> bool {
    if let (Some(last), Some(_)) = (bytes.last_chunk::<STEP>(), into.last_chunk::<STEP>()) {
        for (step, into) in bytes.chunks_exact(STEP).zip(into.chunks_exact_mut(STEP)) {
            let step = step.first_chunk().expect("a whole step");
            if Marks::of(step).any() {
                return false;
            }
            into.copy_from_slice(step);
        }
        *into.last_chunk_mut().expect("as long as the bytes") = *last;
        return !Marks::of(last).any();
    }
    if let (Some(&first), Some(&last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        *into.first_chunk_mut().expect("as long as the bytes") = first;
        *into.last_chunk_mut().expect("as long as the bytes") = last;
        return !Marks::of_halves(first, last).any();
    }
    for (&byte, into) in bytes.iter().zip(into) {
        if must_escape(byte) {
            return false;
        }
        *into = byte;
    }
    true
}

#[cold]
fn write_escaped(bytes: &[u8], room: &mut Room<'_>) -> Result<(), Full> {
    room.put(b"\"")?;
    let mut written = 0;
    while let Some(at) = first_to_escape(&bytes[written..]) {
        room.put(&bytes[written..written + at])?;
        escape(bytes[written + at], room)?;
        written += at + 1;
    }
    room.put(&bytes[written..])?;
    room.put(b"\"")
}

/// Returns the index of the first byte that a JSON string cannot contain unescaped.
pub fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let mut passed = 0;
    while let Some(step) = bytes[passed..].first_chunk() {
        if Marks::of(step).any() {
            break;
        }
        passed += STEP;
    }
    bytes[passed..].iter().position(|&byte| must_escape(byte)).map(|at| passed + at)
}

fn escape(byte: u8, room: &mut Room<'_>) -> Result<(), Full> {
    let short = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            let hex = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            return room.put(&[b'\\', b'u', b'0', b'0', hex[0], hex[1]]);
        }
    };
    room.put(&[b'\\', short])
}

//! JSON strings.

const HEX: &[u8; 16] = b"0123456789abcdef";
const STEP: usize = 16; // bytes per vector comparison

/// Writes `text` as a JSON string, with the escapes that serde_json writes.
pub fn write(text: &str, into: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    into.push(b'"');
    let mut written = 0;
    while let Some(at) = first_to_escape(&bytes[written..]) {
        into.extend_from_slice(&bytes[written..written + at]);
        escape(bytes[written + at], into);
        written += at + 1;
    }
    into.extend_from_slice(&bytes[written..]);
    into.push(b'"');
}

/// Returns the index of the first byte that a JSON string cannot contain unescaped.
pub fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let mut passed = 0;
    while let Some(step) = bytes[passed..].first_chunk::<STEP>() {
        if any_to_escape(step) {
            break;
        }
        passed += STEP;
    }
    // The rest is shorter than a step: the last full step covers it too.
    if bytes.len() - passed < STEP && bytes.last_chunk().is_some_and(|step| !any_to_escape(step)) {
        return None;
    }
    bytes[passed..].iter().position(|&byte| must_escape(byte)).map(|at| passed + at)
}

/// Has no early exit, so that the compiler makes one comparison of it.
fn any_to_escape(step: &[u8; STEP]) -> bool {
    step.iter().fold(false, |any, &byte| any | must_escape(byte))
}

fn must_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn escape(byte: u8, into: &mut Vec<u8>) {
    let short = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            into.extend_from_slice(b"\\u00");
            into.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    into.extend([b'\\', short]);
}

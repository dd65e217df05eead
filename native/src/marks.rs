//! Bytes that a JSON string cannot contain unescaped, sixteen at a time.

/// How many bytes are compared at once.
pub const STEP: usize = 16;

pub use vector::Marks;

pub fn must_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

impl Marks {
    #[inline]
    pub fn of(step: &[u8; STEP]) -> Self {
        let [first, last] = [step.first_chunk(), step.last_chunk()].map(|half| half.expect("half a step"));
        Self::of_halves(*first, *last)
    }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::*;

    /// Marks on the bytes to escape.
    #[derive(Clone, Copy)]
    pub struct Marks(__m128i);

    impl Marks {
        #[inline]
        pub fn of_halves(first: [u8; 8], last: [u8; 8]) -> Self {
            let (first, last) = (i64::from_le_bytes(first), i64::from_le_bytes(last));
            let [last_control, quote, backslash] = [0x1f, b'"', b'\\'].map(|byte| i8::from_le_bytes([byte]));
            // SAFETY: these instructions only compute, and SSE2 is part of x86_64.
            unsafe {
                let bytes = _mm_set_epi64x(last, first);
                let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(last_control)), bytes);
                let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(quote));
                let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(backslash));
                Self(_mm_or_si128(control, _mm_or_si128(quote, backslash)))
            }
        }

        #[inline]
        pub fn any(self) -> bool {
            // SAFETY: as above.
            unsafe { _mm_movemask_epi8(self.0) != 0 }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod vector {
    /// Whether there are bytes to escape.
    #[derive(Clone, Copy)]
    pub struct Marks(bool);

    impl Marks {
        pub fn of_halves(first: [u8; 8], last: [u8; 8]) -> Self {
            // Has no early exit, so that the compiler makes one comparison of it.
            Self(first.iter().chain(&last).fold(false, |any, &byte| any | super::must_escape(byte)))
        }

        pub fn any(self) -> bool {
            self.0
        }
    }
}

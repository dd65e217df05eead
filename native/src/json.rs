//! Text that should be JSON.

use crate::text::first_to_escape;

const DEEPEST: usize = 128; // the Python encoder accepts more, depending on the interpreter

/// Whether `text` is certainly one JSON value: strict RFC 8259, and not nested deeply.
///
/// Other text may still be valid for the Python encoder, which is more lenient and is called then.
pub fn is_surely_json(text: &[u8]) -> bool {
    let mut check = Check { text, at: 0 };
    check.space();
    check.value().is_some() && check.at == text.len()
}

struct Check<'a> {
    text: &'a [u8],
    at: usize,
}

impl Check<'_> {
    /// Skips a value and the white space after it.
    fn value(&mut self) -> Option<()> {
        let mut open = [0_u8; DEEPEST];
        let mut depth = 0;
        loop {
            match self.peek()? {
                first @ (b'{' | b'[') => {
                    self.at += 1;
                    self.space();
                    let close = first + 2; // in ASCII, for both brackets
                    if self.peek()? != close {
                        *open.get_mut(depth)? = close;
                        depth += 1;
                        self.name_if(close)?;
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => self.string()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            self.space();
            // After a value: the brackets that it closes, and a comma before the next value.
            loop {
                if depth == 0 {
                    return Some(());
                }
                let close = open[depth - 1];
                let next = self.peek()?;
                self.at += 1;
                self.space();
                if next == b',' {
                    self.name_if(close)?;
                    break;
                }
                if next != close {
                    return None;
                }
                depth -= 1;
            }
        }
    }

    /// Skips a member's name and its colon within an object.
    fn name_if(&mut self, close: u8) -> Option<()> {
        if close == b'}' {
            self.string()?;
            self.space();
            self.word(b":")?;
            self.space();
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.word(b"\"")?;
        loop {
            self.at += first_to_escape(&self.text[self.at..])?;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    /// Skips an escape; the Python encoder handles surrogates, which need their other half.
    fn escape(&mut self) -> Option<()> {
        let kind = *self.text.get(self.at + 1)?;
        self.at += 2;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                self.at += 4;
                let surrogate = matches!(digits[0], b'd' | b'D') && !digits[1].is_ascii_digit()
                    || matches!(digits[..2], [b'd' | b'D', b'8' | b'9']);
                (digits.iter().all(u8::is_ascii_hexdigit) && !surrogate).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let first = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > first).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let here = self.text[self.at..].starts_with(word);
        self.at += word.len();
        here.then_some(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

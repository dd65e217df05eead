//! Encoded rows in memory.

/// Consecutive texts in one buffer.
#[derive(Default)]
pub struct Texts {
    pub bytes: Vec<u8>,
    pub ends: Vec<usize>,
}

impl Texts {
    /// Ends the text that was last written into `bytes`.
    pub fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// The bytes of all texts. There may be more in `bytes` while a text is being written.
    pub fn size(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub fn start(&self, nth: usize) -> usize {
        if nth == 0 { 0 } else { self.ends[nth - 1] }
    }

    pub fn nth(&self, nth: usize) -> &[u8] {
        &self.bytes[self.start(nth)..self.ends[nth]]
    }
}

/// Rows, each a JSON object and a newline, and their keys.
#[derive(Default)]
pub struct Lines {
    pub rows: Texts,
    pub keys: Option<Keys>,
}

impl Lines {
    /// The bytes of rows and keys. A key may be in no row.
    pub fn size(&self) -> usize {
        self.rows.size() + self.keys.as_ref().map_or(0, |keys| keys.texts.size())
    }
}

#[derive(Default)]
pub struct Keys {
    pub texts: Texts,
    pub some: Vec<bool>,
}

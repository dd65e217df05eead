//! Bytes that encoded rows are written into.

/// The room has too few bytes. The caller makes more and writes the row again.
#[derive(Debug)]
pub struct Full;

/// Room for encoded rows: the bytes before `at` are written, those behind it are free.
pub struct Room<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Room<'a> {
    pub fn new(bytes: &'a mut [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Returns what `write` writes, however much room it needs.
    pub fn grown(write: impl Fn(&mut Room<'_>) -> Result<(), Full>) -> Vec<u8> {
        let mut bytes = vec![0; 256];
        loop {
            let mut room = Room::new(&mut bytes, 0);
            if write(&mut room).is_ok() {
                let end = room.at();
                bytes.truncate(end);
                return bytes;
            }
            bytes.resize(2 * bytes.len(), 0);
        }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// Writes the bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.ahead(bytes.len())?.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    /// Writes the first `length` of the bytes. A copy whose size the compiler knows takes two moves.
    #[inline]
    pub fn put_of<const SIZE: usize>(&mut self, bytes: &[u8; SIZE], length: usize) -> Result<(), Full> {
        self.ahead(SIZE)?.copy_from_slice(bytes);
        self.at += length;
        Ok(())
    }

    /// Writes what `write` puts at the beginning of the `most` bytes that it gets; it returns how many it
    /// has written.
    #[inline]
    pub fn put_with(&mut self, most: usize, write: impl FnOnce(&mut [u8]) -> usize) -> Result<(), Full> {
        self.at += write(self.ahead(most)?);
        Ok(())
    }

    /// Returns the next `length` free bytes.
    #[inline]
    pub fn ahead(&mut self, length: usize) -> Result<&mut [u8], Full> {
        self.bytes.get_mut(self.at..).and_then(|free| free.get_mut(..length)).ok_or(Full)
    }

    /// Takes the next `length` free bytes, which are written.
    #[inline]
    pub fn took(&mut self, length: usize) {
        self.at += length;
    }
}

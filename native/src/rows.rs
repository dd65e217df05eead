//! A file's rows, encoded row group by row group.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::column::{Column, Embed, Stop, Values};
use crate::fault::Fault;
use crate::lines::{Keys, Lines};
use crate::pages::Pages;
use crate::room::Room;
use crate::span::Span;

const ROOM: usize = 1 << 16; // the fewest bytes that are made ready for rows at once

/// The input, and the rows that are currently being encoded.
pub struct Rows {
    metadata: Arc<ParquetMetaData>,
    fields: FieldLevels,
    columns: Vec<Column>,
    key: Option<usize>,
    group: Option<Group>,
    lines: Lines,
}

/// A row group that is being read; `lacking` of its rows are still to come.
struct Group {
    reader: ParquetRecordBatchReader,
    lacking: usize,
    skip: usize,
    read: Vec<Values>,
    next: usize,
    end: usize,
}

impl Rows {
    /// `footer` is the file's metadata; `key` is the index of the key column in `columns`.
    pub fn new(footer: &[u8], columns: Vec<Column>, key: Option<usize>) -> Result<Self, Fault> {
        let metadata = Arc::new(ParquetMetaDataReader::decode_metadata(footer)?);
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain = ArrowReaderMetadata::try_new(Arc::clone(&metadata), options)?;
        let plain = plain.schema().fields();
        let described = metadata.file_metadata().schema_descr();
        let fields =
            parquet_to_arrow_field_levels(described, ProjectionMask::all(), Some(&with_views(plain)))?;
        if columns.iter().any(|column| column.place >= plain.len()) {
            return Err(Fault::new("a column is not in the file"));
        }
        if columns.iter().all(|column| column.label.is_none()) {
            return Err(Fault::new("rows without fields"));
        }
        let mut rows = Self { metadata, fields, columns, key, group: None, lines: Lines::default() };
        rows.lines = rows.no_lines(0, 0);
        Ok(rows)
    }

    /// Where the row group's pages begin and end in the file.
    pub fn span(&self, group: usize) -> Result<(u64, u64), Fault> {
        let groups = self.metadata.row_groups();
        let group = groups.get(group).ok_or_else(|| Fault::new(format!("no row group {group}")))?;
        let ranges = group.columns().iter().map(|column| column.byte_range());
        ranges
            .map(|(start, length)| Some((start, start.checked_add(length)?)))
            .reduce(|whole, one| Some((whole?.0.min(one?.0), whole?.1.max(one?.1))))
            .flatten()
            .ok_or_else(|| Fault::new("a row group without pages"))
    }

    /// Opens a row group and only checks its first `skip` rows; `bytes` is the content of its span.
    pub fn open(
        &mut self,
        group: usize,
        start: u64,
        bytes: Bytes,
        rows_per_read: usize,
        skip: usize,
    ) -> Result<(), Fault> {
        let rows = self.metadata.row_group(group).num_rows();
        let rows = usize::try_from(rows).map_err(|_| Fault::new("fewer than no rows"))?;
        let span = Arc::new(Span { start, bytes });
        let pages = Pages { metadata: Arc::clone(&self.metadata), group, rows, span };
        let reader =
            ParquetRecordBatchReader::try_new_with_row_groups(&self.fields, &pages, rows_per_read, None)?;
        self.group = Some(Group { reader, lacking: rows, skip, read: Vec::new(), next: 0, end: 0 });
        Ok(())
    }

    /// Returns the next `most_rows` rows, fewer if these have `most_bytes`; none if the open row group
    /// ends before them.
    pub fn next(
        &mut self,
        most_rows: usize,
        most_bytes: usize,
        embed: Embed<'_>,
    ) -> Result<Option<Lines>, Fault> {
        let Some(mut group) = self.group.take() else { return Ok(None) };
        while self.filled() < most_rows && self.lines.size() < most_bytes {
            if group.next == group.end && !group.read_on(&self.columns)? {
                return Ok(None);
            }
            let end = group.end.min(group.next + most_rows - self.filled());
            group.next = self.write(&group.read, group.next..end, most_bytes, embed)?;
        }
        self.group = Some(group);
        Ok(self.rest())
    }

    /// Returns the remaining rows, if there are any.
    pub fn rest(&mut self) -> Option<Lines> {
        let (rows, bytes) = (self.filled(), self.lines.rows.size());
        self.lines.rows.bytes.truncate(bytes);
        let next = self.no_lines(rows, bytes + bytes / 8);
        (rows > 0).then(|| std::mem::replace(&mut self.lines, next))
    }

    fn filled(&self) -> usize {
        self.lines.rows.ends.len()
    }

    /// Returns no lines, with room for about as many as in the last batch.
    fn no_lines(&self, rows: usize, bytes: usize) -> Lines {
        let mut lines = Lines { keys: self.key.map(|_| Keys::default()), ..Lines::default() };
        lines.rows.bytes.reserve(bytes);
        lines.rows.ends.reserve(rows);
        lines
    }

    /// Writes the rows until there are `most_bytes`; returns the row behind the last written one.
    fn write(
        &mut self,
        read: &[Values],
        rows: std::ops::Range<usize>,
        most_bytes: usize,
        embed: Embed<'_>,
    ) -> Result<usize, Fault> {
        let end = rows.end;
        for row in rows {
            let texts = &mut self.lines.rows;
            let start = texts.size();
            loop {
                let mut room = Room::new(&mut texts.bytes, start);
                match write_row(&self.columns, read, row, &mut room, embed) {
                    Ok(()) => break texts.ends.push(room.at()),
                    Err(Stop::Fault(fault)) => return Err(fault),
                    Err(Stop::Full) => {
                        let free = texts.bytes.len() - start;
                        texts.bytes.resize(start + ROOM.max(2 * free).max(start / 8), 0);
                    }
                }
            }
            if let (Some(place), Some(keys)) = (self.key, &mut self.lines.keys) {
                keys.some.push(read[place].write_key(row, &mut keys.texts.bytes, embed)?);
                keys.texts.end();
            }
            if self.lines.size() >= most_bytes {
                return Ok(row + 1);
            }
        }
        Ok(end)
    }
}

fn write_row(
    columns: &[Column],
    read: &[Values],
    row: usize,
    room: &mut Room<'_>,
    embed: Embed<'_>,
) -> Result<(), Stop> {
    for (column, values) in columns.iter().zip(read) {
        if let Some(label) = &column.label {
            label.write(room)?;
            values.write(row, room, embed)?;
        }
    }
    Ok(room.put(b"}\n")?)
}

impl Group {
    /// Reads further rows; returns whether there were any.
    fn read_on(&mut self, columns: &[Column]) -> Result<bool, Fault> {
        loop {
            let Some(batch) = self.reader.next().transpose()? else {
                // The reader reports no error for pages that end too soon, but these rows would be
                // lost.
                let lacking = self.lacking;
                return if lacking == 0 {
                    Ok(false)
                } else {
                    Err(Fault::new(format!("{lacking} rows lack")))
                };
            };
            let rows = batch.num_rows();
            self.lacking = self.lacking.checked_sub(rows).ok_or_else(|| Fault::new("too many rows"))?;
            let skipped = self.skip.min(rows);
            self.skip -= skipped;
            if skipped < rows {
                let values = columns.iter().map(|one| Values::of(batch.column(one.place), one.is_json));
                self.read = values.collect::<Result<_, _>>()?;
                (self.next, self.end) = (skipped, rows);
                return Ok(true);
            }
        }
    }
}

/// Returns the fields with texts as views, which are not copied out of their pages.
fn with_views(fields: &Fields) -> Fields {
    let fields = fields.iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable())),
        _ => Arc::clone(field),
    });
    fields.collect()
}

//! The pages of one row group. Each page is checked before the Parquet crate decodes its values, because the
//! crate makes room for as many as the page promises.

use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use crate::span::Span;

/// A row group whose pages are in `span`.
pub struct Pages {
    pub metadata: Arc<ParquetMetaData>,
    pub group: usize,
    pub rows: usize,
    pub span: Arc<Span>,
}

impl RowGroups for Pages {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let chunk = self.metadata.row_group(self.group).column(column);
        let pages = SerializedPageReader::new(Arc::clone(&self.span), chunk, self.rows, None)?;
        let smallest = smallest_value(chunk.column_descr());
        Ok(Box::new(Only(Some(Checked { pages, values: chunk.num_values(), smallest }))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of a column in the only row group.
struct Only(Option<Checked>);

impl Iterator for Only {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for Only {}

/// `values` are still to come in the column's pages; `smallest` is the size of the smallest value, in bytes.
struct Checked {
    pages: SerializedPageReader<Span>,
    values: i64,
    smallest: usize,
}

impl Checked {
    fn check(&mut self, page: &Page) -> Result<()> {
        let values = page.num_values();
        if let Page::DictionaryPage { buf, .. } = page {
            let most = buf.len() / self.smallest;
            return if values as usize <= most {
                Ok(())
            } else {
                Err(ParquetError::General(format!("a dictionary of {values} values has room for {most}")))
            };
        }
        self.values -= i64::from(values);
        if self.values < 0 {
            return Err(ParquetError::General("more values than the column has".to_owned()));
        }
        match page.encoding() {
            // The count of values in such a page is not that of its header, and cannot be checked here.
            encoding @ (Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY) => {
                Err(ParquetError::General(format!("texts encoded as {encoding}")))
            }
            _ => Ok(()),
        }
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

/// Returns how many bytes the smallest value takes in a dictionary.
fn smallest_value(column: &ColumnDescriptor) -> usize {
    match column.physical_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or(0).max(1),
    }
}

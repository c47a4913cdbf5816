//! Times as the database keeps them: milliseconds since 1970 in UTC.

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSqlError, FromSqlResult, Type, ValueRef};

/// A moment in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub DateTime<Utc>);

impl rusqlite::ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.0.timestamp_millis().into())
    }
}

impl rusqlite::types::FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ms = value.as_i64()?;
        DateTime::from_timestamp_millis(ms).map(At).ok_or(FromSqlError::OutOfRange(ms))
    }
}

/// A count in a column: SQLite's integers are signed.
pub fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count from a column; one that can't be is read as zero.
pub fn from_i64(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A column's word as an enum, or why the row can't be read.
pub fn word<T: std::str::FromStr<Err = crate::desk::words::UnknownWord>>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|fault| unreadable(column, fault))
}

/// The same for a column that may be null.
pub fn word_or_null<T: std::str::FromStr<Err = crate::desk::words::UnknownWord>>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => text.parse().map(Some).map_err(|fault| unreadable(column, fault)),
        None => Ok(None),
    }
}

/// A column's text that doesn't mean what it should.
pub fn unreadable(column: usize, fault: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(fault))
}

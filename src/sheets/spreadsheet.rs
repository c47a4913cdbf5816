//! Lists and reports as CSV, as Excel reads it.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::desk::report::table::{Cell, Table, Tongue};

/// Writes CSV: with a byte order mark (else 张伟 is garbled), and with no cell that runs as a formula.
///
/// # Errors
/// What `out` says.
pub fn write(
    out: &mut (impl Write + ?Sized),
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> io::Result<()> {
    let mut writer = Writer::new(out, header)?;
    rows.into_iter().try_for_each(|row| writer.row(&row))?;
    writer.done().map(|_| ())
}

/// The same, row by row.
pub struct Writer<W: Write>(csv::Writer<W>);

impl<W: Write> Writer<W> {
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, header: &[&str]) -> io::Result<Self> {
        out.write_all("\u{feff}".as_bytes())?;
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        writer.write_record(header)?;
        Ok(Self(writer))
    }

    /// # Errors
    /// What `out` says.
    pub fn row(&mut self, cells: &[String]) -> io::Result<()> {
        Ok(self.0.write_record(cells.iter().map(|cell| formula_safe(cell).into_owned()))?)
    }

    /// # Errors
    /// What `out` says.
    pub fn done(self) -> io::Result<W> {
        self.0.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// A report: headings and names in a language, or as programs know them.
///
/// # Errors
/// What `out` says.
pub fn report(out: &mut (impl Write + ?Sized), table: &Table, tongue: Option<Tongue>) -> io::Result<()> {
    let rows = table.rows.iter().map(|row| table.cells(row, tongue, |_| true, Cell::plain));
    write(out, &table.header(tongue, |_| true), rows)
}

/// A cell that no spreadsheet runs as a formula.
fn formula_safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

//! How long a list is when nobody says.

/// Rows of a list unless `--limit` says otherwise.
pub const LIST_LIMIT: u32 = 1_000;

/// `--limit`: 0 means all.
pub fn at_most(limit: u32) -> Option<u32> {
    (limit > 0).then_some(limit)
}

/// Says so when a list was cut by the limit that nobody asked for.
pub fn tell_if_cut(rows: usize, limit: u32) {
    if limit == LIST_LIMIT && rows == LIST_LIMIT as usize {
        eprintln!("only the newest {LIST_LIMIT} are listed; --limit 0 lists all");
    }
}

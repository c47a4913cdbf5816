//! Lists that leave the desk as files, for programs and pages alike.

use axum::http::StatusCode;
use chrono_tz::Tz;

use super::problem::ProblemDetails;
use crate::desk::privacy::Sight;
use crate::desk::report::table::Tongue;
use crate::desk::told::told;
use crate::sheets::call_log;
use crate::store::{CallFilter, Reader};

/// Rows of one file; who wants more narrows the time.
const ROWS_MAX: u32 = 100_000;

/// The calls of a filter as CSV, as they may be seen, and how many they are.
///
/// # Errors
/// 400 where they are more than a file may have.
pub fn exported_calls(
    reader: &Reader,
    filter: CallFilter,
    sight: Sight<'_>,
    tongue: Option<Tongue>,
    zone: Tz,
) -> Result<(String, u32), ProblemDetails> {
    let filter = CallFilter { limit: Some(ROWS_MAX + 1), offset: 0, ..filter };
    let failed = |fault: String| ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, fault);
    let mut table = call_log::Writer::new(Vec::new(), tongue, zone).map_err(|fault| failed(fault.to_string()))?;
    let mut rows = 0;
    let mut wrong = None;
    reader.each_call(&filter, |call| {
        rows += 1;
        // The one beyond tells only that there are more.
        if rows <= ROWS_MAX && wrong.is_none() {
            wrong = table.row(&sight.call(call)).err();
        }
    })?;
    if rows > ROWS_MAX {
        let what = told!(
            "超过 {ROWS_MAX} 通：请缩短时间范围，分几次导出",
            "there are more than {ROWS_MAX} calls: narrow the time, and take one file after the other"
        );
        return Err(ProblemDetails::new(StatusCode::BAD_REQUEST, what));
    }
    let written = wrong.map_or_else(|| table.done(), Err).map_err(|fault| failed(fault.to_string()))?;
    Ok((String::from_utf8(written).map_err(|fault| failed(fault.to_string()))?, rows))
}

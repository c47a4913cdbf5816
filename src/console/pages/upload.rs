//! Files that a form sends (`multipart/form-data`). One that is too big is read to its end, so that the browser hears why it
//! is refused, and none of it is kept.

use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, Multipart};
use axum::http::StatusCode;

use crate::console::gate::Visitor;
use crate::console::problem::ProblemDetails;
use crate::desk::report::table::{Both, Tongue};
use crate::desk::told::told;

/// More than this is not read to its end either.
const READ_MAX: usize = 64 << 20;
/// Bytes of a field that is no file, and fields of a form.
const FIELD_MAX: usize = 4 << 10;
const FIELDS_MAX: usize = 32;
/// For all of it to arrive.
const UPLOAD_WITHIN: Duration = Duration::from_secs(120);

/// What was sent.
#[derive(Debug, Default)]
pub struct Upload {
    /// The file's bytes; none where none was chosen.
    pub file: Option<Vec<u8>>,
    ticked: Vec<String>,
}

impl Upload {
    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.ticked.iter().any(|known| known == name)
    }

    /// Reads a form whose file has at most `max` bytes.
    ///
    /// # Errors
    /// 413 for more, 400 for what is cut off, no form or one of too many fields, 408 for what takes too long.
    pub async fn read(visitor: &Visitor, form: Multipart, max: usize) -> Result<Self, ProblemDetails> {
        let read = tokio::time::timeout(UPLOAD_WITHIN, Self::read_whole(visitor, form, max)).await;
        read.unwrap_or_else(|_| {
            let what = Both::new("文件没有及时传完：请再试一次", "the file did not arrive in time: send it again");
            Err(ProblemDetails::new(StatusCode::REQUEST_TIMEOUT, what))
        })
    }

    async fn read_whole(visitor: &Visitor, mut form: Multipart, max: usize) -> Result<Self, ProblemDetails> {
        let mut upload = Self::default();
        let mut too_big = false;
        let mut fields = 0;
        while let Some(mut field) = form.next_field().await.map_err(|error| cut_off(visitor, &error))? {
            fields += 1;
            if fields > FIELDS_MAX {
                let what = told!("表单的栏目超过 {FIELDS_MAX} 个", "the form has more than {FIELDS_MAX} fields");
                return Err(ProblemDetails::new(StatusCode::BAD_REQUEST, what));
            }
            let name = field.name().unwrap_or_default().to_owned();
            let is_file = field.file_name().is_some();
            let limit = if is_file { max } else { FIELD_MAX };
            let (bytes, whole) = bytes_of(visitor, &mut field, limit).await?;
            too_big |= !whole;
            if is_file {
                // A browser sends an empty one where none was chosen.
                upload.file = Some(bytes).filter(|bytes| !bytes.is_empty());
            } else {
                upload.ticked.push(name);
            }
        }
        if too_big {
            let mb = max / 1_000_000;
            let what = match visitor.tongue {
                Tongue::Zh => format!("文件超过 {mb} MB，没有保存"),
                Tongue::En => format!("the file is larger than {mb} MB; nothing was kept"),
            };
            return Err(ProblemDetails::new(StatusCode::PAYLOAD_TOO_LARGE, what));
        }
        Ok(upload)
    }

    /// The file.
    ///
    /// # Errors
    /// 422 where none was chosen.
    pub fn chosen(&mut self, visitor: &Visitor) -> Result<Vec<u8>, ProblemDetails> {
        self.file.take().ok_or_else(|| {
            let what = Both::new("请先选择一个文件", "choose a file first").of(visitor.tongue);
            ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, what)
        })
    }
}

/// How much of a request is read for an upload.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(READ_MAX)
}

/// A field's bytes, and whether they are all of them.
async fn bytes_of(visitor: &Visitor, field: &mut Field<'_>, max: usize) -> Result<(Vec<u8>, bool), ProblemDetails> {
    let mut bytes = Vec::new();
    let mut whole = true;
    while let Some(chunk) = field.chunk().await.map_err(|error| cut_off(visitor, &error))? {
        if bytes.len() + chunk.len() > max {
            whole = false;
            bytes = Vec::new();
        }
        if whole {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok((bytes, whole))
}

fn cut_off(visitor: &Visitor, error: &MultipartError) -> ProblemDetails {
    let status = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let what = Both::new("文件太大，或者没有传完；没有保存", "the file is too large, or cut off; nothing was kept");
    ProblemDetails::new(status, what.of(visitor.tongue))
}

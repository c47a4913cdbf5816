//! How large a message may be. Beyond it a message is refused, never cut.

/// Limits of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Start line, headers and body together.
    pub message_bytes_max: usize,
    /// Header values, those of lists counted each.
    pub headers_max: usize,
    /// One header line with its continuation lines.
    pub header_bytes_max: usize,
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { message_bytes_max: 65_535, headers_max: 256, header_bytes_max: 8_192, body_bytes_max: 65_535 }
    }
}

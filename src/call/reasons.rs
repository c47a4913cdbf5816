//! Why a call ends, as the Reason header says it (RFC 3326): telephones show it, and carriers count by it.

/// Somebody else has taken the call: no missed call for whom it rang at.
pub(super) const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
/// Nobody lifted in time.
pub(super) const NO_ANSWER: &str = "Q.850;cause=19;text=\"No answer from user\"";
const CLEARED: &str = "Q.850;cause=16;text=\"Normal call clearing\"";

/// The same for what is in the record as `end_reason` (cause values of ITU-T Q.850).
pub(super) fn said_as(end_reason: &str) -> &'static str {
    match end_reason {
        "media_silence" => "Q.850;cause=102;text=\"No audio came for too long\"",
        "media_failed" | "internal_error" => "Q.850;cause=41;text=\"Temporary failure\"",
        "shutdown" => "Q.850;cause=27;text=\"Out of service\"",
        "no_media_agreed" => "Q.850;cause=88;text=\"Incompatible destination\"",
        "call_limit" => "Q.850;cause=31;text=\"Longest call reached\"",
        _ => CLEARED,
    }
}

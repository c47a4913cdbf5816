//! `[retention]`: how long recordings, numbers and the audit log are kept (R12).

use super::keys::{Key, SectionKeys};
use super::reader::Section;
use crate::desk::retention::Retention;

pub const KEYS: SectionKeys = SectionKeys {
    name: "retention",
    en: "How many days recordings, numbers and the audit log are kept, 0 (for ever) to 36500. What is held by `frontdesk hold`, \
         belongs to an open ticket, or has not reached its person stays. A change holds from the next SIGHUP.",
    zh: "录音、号码与审计记录保留的天数，0（永久）至 36500。被 `frontdesk hold` 冻结、属于未结工单、或留言对象尚未听取的一律保留。更改后发送 SIGHUP 生效。",
    keys: &[
        Key {
            name: "ticket_days",
            default: Some("365"),
            example: "365",
            en: "What callers said for a ticket, from when it is closed.",
            zh: "工单录音，自工单结案起。",
        },
        Key {
            name: "message_days",
            default: Some("90"),
            example: "90",
            en: "Messages, from when they were left, once they were heard, confirmed or deleted by their person.",
            zh: "留言录音，自留言之时起，且须已听取、已确认或已被本人删除。",
        },
        Key {
            name: "call_days",
            default: Some("90"),
            example: "90",
            en: "Recordings that belong to a call alone, from its beginning.",
            zh: "仅属于通话本身的录音，自通话开始起。",
        },
        Key {
            name: "feedback_days",
            default: Some("365"),
            example: "365",
            en: "What customers said when they were called after the work, from when the ticket is closed.",
            zh: "回访时客户的留言，自工单结案起。",
        },
        Key {
            name: "numbers_days",
            default: Some("0"),
            example: "1095",
            en: "After which numbers and names are taken out of calls, closed tickets and messages, and their SIP messages go: they \
                 are counted in reports still, and nobody knows any more who it was.",
            zh: "多少天后从通话、已结工单与留言中去除号码与姓名，并删除其 SIP 消息：统计仍在，但不再能识别个人。",
        },
        Key {
            name: "audit_days",
            default: Some("1095"),
            example: "1095",
            en: "Entries of the audit log (`frontdesk audit`).",
            zh: "审计记录（`frontdesk audit`）。",
        },
    ],
};

/// Days from 0 on.
const DAYS: std::ops::RangeInclusive<u32> = 0..=36_500;

pub(super) fn read(mut section: Section<'_>) -> Retention {
    let default = Retention::default();
    let mut days = |key, usual| section.number(key, DAYS).unwrap_or(usual);
    Retention {
        ticket_days: days("ticket_days", default.ticket_days),
        message_days: days("message_days", default.message_days),
        call_days: days("call_days", default.call_days),
        feedback_days: days("feedback_days", default.feedback_days),
        numbers_days: days("numbers_days", default.numbers_days),
        audit_days: days("audit_days", default.audit_days),
    }
}

//! The call log as a table for spreadsheets (R4).

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::spreadsheet;
use crate::desk::call_record::{CallRecord, Direction, Outcome};
use crate::desk::report::table::{Both, Tongue};
use crate::desk::view::LocalTime;

struct Column {
    key: &'static str,
    text: Both,
    cell: fn(&CallRecord, &Form) -> String,
}

/// How cells are written.
struct Form {
    tongue: Option<Tongue>,
    zone: Tz,
}

impl Form {
    fn time(&self, at: Option<DateTime<Utc>>) -> String {
        at.map(|at| LocalTime::new(at, self.zone).short()).unwrap_or_default()
    }

    fn word(&self, word: &'static str, text: Both) -> String {
        self.tongue.map_or(word, |tongue| text.of(tongue)).to_owned()
    }
}

const fn column(
    key: &'static str,
    zh: &'static str,
    en: &'static str,
    cell: fn(&CallRecord, &Form) -> String,
) -> Column {
    Column { key, text: Both::new(zh, en), cell }
}

const COLUMNS: &[Column] = &[
    column("id", "编号", "Id", |c, _| c.id.to_string()),
    column("started_at", "来电时间", "Came in", |c, form| form.time(Some(c.started_at))),
    column("direction", "方向", "Direction", |c, form| form.word(c.direction.as_str(), direction(c.direction))),
    column("caller", "主叫号码", "Caller", |c, _| or_empty(c.caller.as_ref())),
    column("caller_name", "主叫姓名", "Caller's name", |c, _| or_empty(c.caller_name.as_ref())),
    column("callee", "被叫", "Called", |c, _| c.callee.clone()),
    column("trunk", "中继", "Trunk", |c, _| or_empty(c.trunk.as_ref())),
    column("diverted_from", "转自", "Diverted from", |c, _| or_empty(c.diverted_from.as_ref())),
    column("answered_at", "接听时间", "Answered", |c, form| form.time(c.answered_at)),
    column("answer_ms", "应答毫秒", "Answer ms", |c, _| or_empty(c.answer_ms)),
    column("answer_rings", "应答振铃声数", "Answered in ring", |c, _| or_empty(c.answer_rings)),
    column("ended_at", "结束时间", "Ended", |c, form| form.time(c.ended_at)),
    column("duration_s", "总时长（秒）", "Duration s", |c, _| {
        or_empty(c.ended_at.map(|end| (end - c.started_at).num_seconds()))
    }),
    column("outcome", "结果", "Outcome", |c, form| {
        c.outcome.map(|word| form.word(word.as_str(), outcome(word))).unwrap_or_default()
    }),
    column("end_reason", "结束原因", "Why it ended", |c, form| {
        let word = c.end_reason.as_deref().unwrap_or_default();
        form.tongue.map_or_else(|| word.to_owned(), |tongue| end_reason(word, tongue))
    }),
    column("handled_by", "经办人", "Handled by", |c, _| or_empty(c.handled_by.as_ref())),
    column("path", "菜单路径", "Path", |c, _| path(c)),
    column("tickets", "工单", "Tickets", |c, _| joined(c.tickets.iter().map(|number| &number.0))),
    column("messages", "留言", "Messages", |c, _| joined(c.messages.iter().map(|id| id.0))),
    column("recorded", "有录音", "Recorded", |c, form| match (c.recording.is_some(), form.tongue) {
        (true, Some(Tongue::Zh)) => "是".to_owned(),
        (true, _) => "yes".to_owned(),
        (false, _) => String::new(),
    }),
    column("codec", "编码", "Codec", |c, _| or_empty(c.codec)),
    column("rtp_received", "收到包数", "Packets received", |c, _| c.rtp.received.to_string()),
    column("rtp_lost", "丢包数", "Packets lost", |c, _| c.rtp.lost.to_string()),
    column("rtp_jitter_ms", "抖动毫秒", "Jitter ms", |c, _| format!("{:.1}", c.rtp.jitter_ms)),
    column("rtp_mos", "MOS", "MOS", |c, _| or_empty(c.rtp.mos.map(|mos| format!("{mos:.2}")))),
    column("sip_call_id", "SIP Call-ID", "SIP Call-ID", |c, _| c.sip_call_id.clone()),
];

/// Writes calls as CSV: headings and words in a language, or as programs know them. They have been seen to (R12).
pub struct Writer<W: Write> {
    form: Form,
    out: spreadsheet::Writer<W>,
}

impl<W: Write> Writer<W> {
    /// # Errors
    /// What `out` says.
    pub fn new(out: W, tongue: Option<Tongue>, zone: Tz) -> io::Result<Self> {
        let heading = |column: &Column| tongue.map_or(column.key, |tongue| column.text.of(tongue));
        let header: Vec<&str> = COLUMNS.iter().map(heading).collect();
        Ok(Self { form: Form { tongue, zone }, out: spreadsheet::Writer::new(out, &header)? })
    }

    /// # Errors
    /// What `out` says.
    pub fn row(&mut self, call: &CallRecord) -> io::Result<()> {
        let cells: Vec<String> = COLUMNS.iter().map(|column| (column.cell)(call, &self.form)).collect();
        self.out.row(&cells)
    }

    /// # Errors
    /// What `out` says.
    pub fn done(self) -> io::Result<W> {
        self.out.done()
    }
}

/// An outcome's name.
pub fn outcome(outcome: Outcome) -> Both {
    match outcome {
        Outcome::Completed => Both::new("已完成", "Completed"),
        Outcome::Abandoned => Both::new("主叫放弃", "Abandoned"),
        Outcome::Rejected => Both::new("已拒绝", "Rejected"),
        Outcome::Failed => Both::new("失败", "Failed"),
        Outcome::Transferred => Both::new("已转接", "Transferred"),
        Outcome::Voicemail => Both::new("留言", "Voicemail"),
        Outcome::Ticket => Both::new("已开工单", "Ticket"),
    }
}

/// Why a call ended, in words; what has none as it is written.
pub fn end_reason(word: &str, tongue: Tongue) -> String {
    let text = match word {
        "caller_hung_up" => Both::new("对方挂断", "the other side hung up"),
        "callee_hung_up" => Both::new("接听人挂断", "whoever took the call hung up"),
        "flow_ended" => Both::new("流程走完", "the flow came to its end"),
        "cancelled" => Both::new("接听前挂断", "hung up before the answer"),
        "no_ack" => Both::new("对方没有确认（ACK）", "no ACK came"),
        "media_silence" => Both::new("没有声音传来", "no sound came any more"),
        "media_failed" => Both::new("声音无法传送", "sound could not be sent"),
        "no_media_agreed" => Both::new("双方没有共同的编码", "no codec in common"),
        "interrupted" => Both::new("服务中断", "the service was cut off"),
        "not_saved" => Both::new("未能保存", "it could not be kept"),
        "shutdown" | "shutting_down" => Both::new("服务停止", "the service was stopped"),
        "call_limit" => Both::new("达到通话时长上限", "the longest time of a call was reached"),
        "internal_error" => Both::new("内部错误", "an error of the program"),
        "rejected_503" => Both::new("线路繁忙，未接入（503）", "shed: too many calls (503)"),
        other => match (other.strip_prefix("rejected_"), tongue) {
            (Some(status), Tongue::Zh) => return format!("未接入（SIP {status}）"),
            (Some(status), Tongue::En) => return format!("rejected (SIP {status})"),
            (None, _) => return other.replace('_', " "),
        },
    };
    text.of(tongue).to_owned()
}

/// A direction's name.
pub fn direction(direction: Direction) -> Both {
    match direction {
        Direction::In => Both::new("呼入", "Incoming"),
        Direction::Out => Both::new("呼出", "Outgoing"),
    }
}

/// The nodes that it went through, those that follow themselves once.
fn path(call: &CallRecord) -> String {
    let mut nodes: Vec<&str> = call.path.iter().map(|step| step.node.as_str()).collect();
    nodes.dedup();
    nodes.join(" > ")
}

fn joined(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

fn or_empty(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

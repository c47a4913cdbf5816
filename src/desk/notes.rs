//! Notes that the desk itself writes (in histories of tickets, alarms, the journal, tries to pass a message on), for people:
//! records keep them in English, with extensions, words and moments of UTC; readers have them in their language, with names
//! and in the desk's own time. What people wrote stays as it is.
//!
//! A note is known by a pattern: the same English as its maker writes, with holes for what differs, and the Chinese of it.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::call_record::LegEnd;
use super::errand::ErrandResult;
use super::journal::JournalKind;
use super::message::Attempt;
use super::names;
use super::people::Directory;
use super::report::table::{Both, Tongue};
use super::report::tables::clock_name;
use super::ticket::{Kind, TicketEvent};
use super::view::LocalTime;

/// Who has an extension.
pub trait Called {
    fn name_of(&self, extension: &str) -> Option<String>;
}

impl Called for Directory {
    fn name_of(&self, extension: &str) -> Option<String> {
        self.person(extension).map(|person| person.name.clone())
    }
}

impl<F: Fn(&str) -> Option<String>> Called for F {
    fn name_of(&self, extension: &str) -> Option<String> {
        self(extension)
    }
}

/// See the module: for one reader.
#[derive(Clone, Copy)]
pub struct Notes<'a> {
    pub people: &'a dyn Called,
    pub time_zone: Tz,
    pub tongue: Tongue,
}

/// A note: the words of histories that it is a note of (none: any, and what is no history), its English, its Chinese.
type Known = (&'static [&'static str], &'static str, &'static str);

const NOT_REACHED: &[&str] = &["not_reached", "follow_up_tried"];
const SUPERVISOR: &[&str] = &["supervisor_told", "supervisor_not_reached"];

/// Notes of histories alone, whose patterns fit more than they should elsewhere.
const OF_HISTORIES: &[Known] = &[
    (&["opened", "declined", "dispatched", "accepted"], "{who}", "{who}"),
    (&["dispatched", "accepted"], "{who}: {note}", "{who}：{note}"),
    (&["quoted"], "{money}: {note}", "{money}：{note}"),
    (&["judged"], "{nature}: {note}", "{nature}：{note}"),
    (&["assigned"], "{who}: {note}", "{who}：{note}"),
    (&["followed_up", "reopened_not_satisfied"], "{satisfaction}: {note}", "{satisfaction}：{note}"),
    (&["followed_up", "reopened_not_satisfied"], "{satisfaction}", "{satisfaction}"),
    (&["added", "changed"], "{fields}", "{fields}"),
    (&["handed_over"], "{who} -> {who2}", "{who} → {who2}"),
    (&["urged"], "{number}, instead of {ticket}", "{number} 再次来电，不另开 {ticket}"),
    (&["withdrawn"], "the same as {ticket}", "与 {ticket} 重复"),
    (&["rework"], "of {ticket}, within its warranty: no cost (R31)", "{ticket} 的返修，在保修期内，免费（R31）"),
    (&["reworked"], "by {ticket}", "返修单 {ticket}"),
    (&["clock_met", "clock_resumed", "clock_breached"], "{clock}", "{clock}"),
    (&["clock_warned"], "{clock}, due {at}", "{clock}，期限 {at}"),
    (&["clock_paused"], "{clock}, {pause}: {text}", "{clock}，{pause}：{text}"),
    (&["clock_paused"], "{clock}, {pause}", "{clock}，{pause}"),
    (&["progress"], "{text} (by {at})", "{text}（{at} 前答复）"),
    (&["follow_up_tried"], "{number}: {why}, after it went on", "{number}：{why}（工单已转入下一步）"),
    (NOT_REACHED, "{who}: the call could not be made", "{who}：电话未能打出"),
    (NOT_REACHED, "{who}: {why}", "{who}：{why}"),
    (SUPERVISOR, "{people}: the call could not be made ({reason})", "{people}：电话未能打出（{reason}）"),
    (SUPERVISOR, "{who}: {why} ({reason})", "{who}：{why}（{reason}）"),
    (&["work_sheet"], "{sheet}", "{sheet}"),
];

/// Notes wherever they stand.
const ANYWHERE: &[Known] = &[
    // `desk::tasks`.
    (&[], "not reached in {n} calls: ask the customer by hand", "打了 {n} 次未接通：请人工回访"),
    (&[], "the line makes no calls: ask the customer by hand", "电话线路打不出去：请人工回访"),
    (&[], "no number is known: ask the customer by hand", "没有客户的号码：请人工回访"),
    (&[], "asked by phone: not satisfied", "电话回访：不满意"),
    (&[], "asked by phone", "电话回访"),
    (&[], "reported by phone", "电话报告"),
    (&[], "the customer wants to speak to somebody", "客户要求与工作人员通话"),
    (
        &[],
        "people.toml names no engineer and no supervisor: send somebody by hand",
        "人员中没有维修工程师和主管：请人工派工",
    ),
    (&[], "nobody took it, round {n} of {n2}", "无人接单（第 {n} 轮，共 {n2} 轮）"),
    (&[], "{who} has not confirmed it after {n} calls", "打了 {n} 次，{who} 仍未确认"),
    (&[], "{stage} was not possible: {note}", "未能办理“{stage}”：{note}"),
    (
        &[],
        "a {kind} does not go from `{stage}` to `{stage2}`; it goes on to {text}",
        "{kind}工单不能从“{stage}”到“{stage2}”",
    ),
    (&[], "a call ended too late: {why} ({why2})", "电话结束时已不需要：{why}（{why2}）"),
    // `flow`.
    (&[], "said more: {text}", "补充录音：{text}"),
    (&[], "the caller asked for a person", "来电者要求转人工"),
    (&[], "asks to be called back, at place {n} of the queue", "要求回电，排在第 {n} 位"),
    (&[], "the recording broke off: it could not be written", "录音中断：无法写入"),
    // `call::session::after`, `store::interrupted`.
    (&[], "duty officers are rung", "正在呼叫值班人员"),
    (&[], "{who} took the call", "{who} 已接听"),
    (&[], "nobody is on duty for emergencies", "没有应急值班人员"),
    (&[], "no duty officer took the call", "没有值班人员接听"),
    (&[], "too many emergencies ring at the same time", "同时求助的来电过多"),
    (&[], "the line was shut down while duty officers rang", "呼叫值班人员时服务停止"),
    (&[], "the line was cut off while duty officers rang", "呼叫值班人员时服务中断"),
    (&[], "a bug ended the call while duty officers rang", "呼叫值班人员时程序出错，通话中断"),
    (&[], "no receptionist took the call-back: call this customer", "没有前台人员接听回电：请给客户回电"),
    (&[], "{who} takes the call-back", "{who} 接听回电"),
    (&[], "{who} took the call when the caller had hung up", "来电者挂断后，{who} 已接听"),
    (&[], "called back, and they talk", "已回电，正在通话"),
    (&[], "the customer did not answer: call by hand", "客户未接听：请人工回电"),
    // Alarms.
    (&[], "{clock} was due {at}; owner: {who}", "“{clock}”期限 {at}；受理人：{who}"),
    (&[], "{n} failures in a row; the last: {text}", "连续失败 {n} 次，最近一次：{text}"),
    (&[], "{n} calls went out through the gateway within an hour; no more are made", "一小时内已外呼 {n} 次，不再外呼"),
    (
        &[],
        "{n} MB are free, less than [record] disk_free_min_mb = {n2}: recordings stop; nothing is deleted before its time: make room",
        "剩余空间 {n} MB，低于下限 {n2} MB：录音已停止；未到期的不会删除，请腾出空间",
    ),
    (&[], "{n} MB are free", "剩余空间 {n} MB"),
    // A trunk's (`sip::trunk::Why`), `call::lines`.
    (
        &[],
        "its servers were not found: check the host name, DNS, and that [sip] listen has its transport",
        "找不到服务器：请检查主机名、DNS 和 SIP 监听方式",
    ),
    (
        &[],
        "its servers can't be reached: check address, port, firewall and certificate",
        "连不上服务器：请检查地址、端口、防火墙和证书",
    ),
    (
        &[],
        "its servers do not answer: check address and firewall, or ask the carrier",
        "服务器没有回应：请检查地址和防火墙，或询问运营商",
    ),
    (&[], "its server closed the connection", "服务器关闭了连接"),
    (&[], "it refuses our user or password: correct them in trunks.toml", "用户名或密码被拒绝：请在中继设置中更正"),
    (
        &[],
        "it asks for a password in a way that is not understood: ask the carrier",
        "服务器的认证方式无法识别：请询问运营商",
    ),
    (&[], "it refuses us with {n}: ask the carrier", "注册被拒绝（{n}）：请询问运营商"),
    (&[], "its registration could not be renewed in time", "注册未能按时更新"),
    (&[], "back after {n} s", "{n} 秒后恢复"),
    // The journal.
    (&[], "the time of day jumped by {n} s", "时钟跳变 {n} 秒"),
    (
        &[],
        "the clock stands {n} s before the newest entry of the journal ({at})",
        "时钟比最新一条值班记录（{at}）早 {n} 秒",
    ),
    (&[], "the run of {at} was cut off", "{at} 开始的运行异常中断"),
    (&[], "{text} took the shift over; nobody had not signed off: {text2}", "{text} 接班；此前无人当班：{text2}"),
    (&[], "{text} took the shift over; {text2} had not signed off: {text3}", "{text} 接班；{text2} 未交班：{text3}"),
    (&[], "from {text} with {n} recordings, by {text2}", "来自 {text}，含录音 {n} 个，由 {text2} 恢复"),
    (&[], "people from {text}", "人员，来自 {text}"),
];

/// What an entry of the journal is about.
const ABOUT: &[Known] =
    &[(&[], "call {n}", "通话 {n}"), (&[], "recordings", "录音"), (&[], "nobody", "无人"), (&[], "{who}", "{who}")];

/// What an entry of the audit log is about.
const AUDITED: &[Known] = &[
    (&[], "the feedback on ticket {ticket}", "工单 {ticket} 的客户意见"),
    (&[], "ticket {ticket}: a change", "工单 {ticket}：修改"),
    (&[], "ticket {ticket}: owner", "工单 {ticket}：更换受理人"),
    (&[], "ticket {ticket}", "工单 {ticket}"),
    (&[], "SIP messages of call {n}", "通话 {n} 的 SIP 消息"),
    (&[], "call {n}", "通话 {n}"),
    (&[], "message {n}", "留言 {n}"),
    (&[], "alarm {n}", "告警 {n}"),
    (&[], "errand {n}", "外呼 {n}"),
    (&[], "resident {n}", "住户 {n}"),
    (&[], "journal entry {n}", "值班记录 {n}"),
    (&[], "handover page", "交接班"),
    (&[], "journal", "值班记录"),
    (&[], "list of tickets, {n} rows", "工单列表，{n} 行"),
    (&[], "list of calls, {n} rows", "通话列表，{n} 行"),
    (&[], "list of messages, {n} rows", "留言列表，{n} 行"),
    (&[], "list of residents, {n} rows", "住户列表，{n} 行"),
    (&[], "list of tickets", "工单列表"),
    (&[], "list of calls", "通话列表"),
    (&[], "list of messages", "留言列表"),
    (&[], "list of residents", "住户列表"),
    (&[], "calls as CSV, {n} rows", "通话表格（CSV），{n} 行"),
    (&[], "tickets as CSV, {n} rows", "工单表格（CSV），{n} 行"),
    (&[], "messages as CSV, {n} rows", "留言表格（CSV），{n} 行"),
    (&[], "account {text}: made, {role}", "帐号 {text}：新建，{role}"),
    (&[], "account {text}: one-time link", "帐号 {text}：一次性链接"),
    (&[], "account {text}: no account to sign in to", "帐号 {text}：没有可登录的帐号"),
    (&[], "account {text}: while it is locked", "帐号 {text}：锁定期间"),
    (&[], "account {text}: {n} in a row, locked", "帐号 {text}：连续第 {n} 次，已锁定"),
    (&[], "account {text}: {n} in a row", "帐号 {text}：连续第 {n} 次"),
    (&[], "account {text}: other sessions", "帐号 {text}：其他登录"),
    (&[], "account {text}: password", "帐号 {text}：密码"),
    (&[], "account {text}: role {role}", "帐号 {text}：改为{role}"),
    (&[], "account {text}: full name", "帐号 {text}：姓名"),
    (&[], "account {text}: extension none", "帐号 {text}：取消分机"),
    (&[], "account {text}: extension {n}", "帐号 {text}：分机 {n}"),
    (&[], "account {text}: disabled", "帐号 {text}：停用"),
    (&[], "account {text}: enabled", "帐号 {text}：启用"),
    (&[], "account {text}: second factor set", "帐号 {text}：启用两步验证"),
    (&[], "account {text}: second factor taken away", "帐号 {text}：关闭两步验证"),
    (&[], "account {text}", "帐号 {text}"),
    (&[], "page {text}", "页面 {text}"),
    (&[], "token {text}: made, {text2}", "令牌 {text}：新建，{text2}"),
    (&[], "token {n}: revoked", "令牌 {n}：收回"),
    (&[], "people: as text", "人员：文本修改"),
    (&[], "hours: as text", "服务时间：文本修改"),
    (&[], "answers: as text", "答复：文本修改"),
    (&[], "people: a file is made", "人员：建立文件"),
    (&[], "hours: a file is made", "服务时间：建立文件"),
    (&[], "answers: a file is made", "答复：建立文件"),
    (&[], "hours: the week", "服务时间：每周时间"),
    (&[], "hours: holiday {text} removed", "服务时间：删除假日 {text}"),
    (&[], "hours: holiday {text}", "服务时间：假日 {text}"),
    (&[], "hours: workday {text} removed", "服务时间：删除调休工作日 {text}"),
    (&[], "hours: workday {text}", "服务时间：调休工作日 {text}"),
    (&[], "answers: {text} added", "答复：新增 {text}"),
    (&[], "answers: {text} changed", "答复：修改 {text}"),
    (&[], "answers: {text} removed", "答复：删除 {text}"),
    (&[], "residents: a list of {n}, in place of all", "住户：导入 {n} 户，替换全部"),
    (&[], "residents: a list of {n}", "住户：导入 {n} 户"),
    (&[], "prompts: a recording of {text} dropped", "提示音：放弃录音 {text}"),
    (&[], "prompts: a recording of {text} sent", "提示音：上传录音 {text}"),
    (&[], "people: {text} added", "人员：新增 {text}"),
    (&[], "people: {text} changed", "人员：修改 {text}"),
    (&[], "people: {text} removed", "人员：删除 {text}"),
    (&[], "residents: {n} changed", "住户：修改 {n}"),
    (&[], "residents: {n} removed", "住户：删除 {n}"),
    (&[], "residents: {text} added", "住户：新增 {text}"),
    // From where.
    (&[], "console {text}", "控制台 {text}"),
    (&[], "api {text}", "接口 {text}"),
    (&[], "shell", "命令行"),
    (&[], "phone", "电话"),
    (&[], "prompts: a call to record {text}", "提示音：来电录制 {text}"),
];

/// Results of tries to pass a message on.
const OF_TRIES: &[Known] = &[
    (&[], "heard by {who}", "{who} 已听"),
    (&[], "played by {who}", "{who} 已播放"),
    (&[], "confirmed by {who}", "{who} 已确认"),
    (&[], "deleted by {who}", "{who} 已删除"),
    (&[], "forwarded to {who} by {who2}", "{who2} 转发给 {who}"),
    (&[], "forwarded by {who} to {who2}", "{who} 转发给 {who2}"),
    (&[], "failed: {text}", "发送失败：{text}"),
    (&[], "sent", "已发送"),
    (&[], "{why} ({why2})", "{why}（{why2}）"),
    (&[], "{why}", "{why}"),
];

/// Ways by which it is tried.
const OF_WAYS: &[Known] = &[
    (&[], "phone: {who}", "电话 {who}"),
    (&[], "by hand: {who}", "人工 {who}"),
    (&[], "phone", "电话"),
    (&[], "console", "控制台"),
    (&[], "email: {text}", "邮件 {text}"),
    (&[], "{text}: {who}", "{text} {who}"),
];

/// Why a call came to nothing, where that is no word of an enum.
const REASONS: &[(&str, Both)] = &[
    ("unknown_extension", Both::new("没有此分机", "unknown extension")),
    ("out", Both::new("外出", "out")),
    ("no_gateway", Both::new("没有外线", "no gateway")),
    ("number_denied", Both::new("不允许拨打此号码", "number denied")),
    ("number_not_confirmed", Both::new("号码未确认", "number not confirmed")),
    ("nowhere_to_call", Both::new("无处可拨", "nowhere to call")),
    ("interrupted", Both::new("服务中断", "interrupted")),
    ("shutdown", Both::new("服务停止", "shut down")),
    ("caller_hung_up", Both::new("对方挂断", "hung up")),
    ("flow_ended", Both::new("流程走完", "the flow came to its end")),
    ("media_silence", Both::new("没有声音传来", "no sound came")),
    ("system", Both::new("系统", "the desk")),
    ("flow.toml has no [errand] of this kind", Both::new("来电流程中没有此类外呼", "the flow has none of this kind")),
];

/// Fields of a ticket.
const FIELDS: &[(&str, Both)] = &[
    ("class", Both::new("求助类别", "class")),
    ("urgency", Both::new("缓急", "urgency")),
    ("category", Both::new("类别", "category")),
    ("callback_number", Both::new("回电号码", "number to call back")),
    ("building", Both::new("楼栋", "building")),
    ("room", Both::new("房号", "room")),
    ("resident", Both::new("住户", "resident")),
    ("wanted_time", Both::new("期望时间", "wanted time")),
    ("key_left", Both::new("钥匙", "key")),
    ("description", Both::new("内容", "what it is about")),
    ("recording", Both::new("录音", "recording")),
];

/// What a work sheet's note names.
const SHEET: &[(&str, &str)] = &[
    ("work: ", "维修内容："),
    ("materials: ", "材料："),
    ("material cost: ", "材料费："),
    ("labour cost: ", "人工费："),
];

impl Notes<'_> {
    fn say(&self, both: Both) -> String {
        both.of(self.tongue).to_owned()
    }

    /// `张伟 301`, or what is known.
    pub fn person(&self, who: &str) -> String {
        match (self.people.name_of(who), who) {
            (Some(name), _) if name != who => format!("{name} {who}"),
            (_, "system") => self.say(Both::new("系统", "the desk")),
            // The desk's own name as an owner, unless the settings give it another one.
            (_, "desk") => self.say(Both::new("前台", "desk")),
            (_, "caller") => self.say(Both::new("来电者", "the caller")),
            (_, "shell") => self.say(Both::new("命令行", "shell")),
            (_, other) => other.to_owned(),
        }
    }

    /// The note of a line in a ticket's history.
    pub fn history(&self, event: &TicketEvent) -> String {
        let note = event.note.as_deref().unwrap_or_default();
        // What people noted, and no more than noted.
        if event.what == "note" && event.who != "system" {
            return note.to_owned();
        }
        let of_it = OF_HISTORIES.iter().filter(|(of, _, _)| of.contains(&event.what.as_str()));
        self.read(of_it.chain(ANYWHERE), note).unwrap_or_else(|| note.to_owned())
    }

    /// The note of an alarm or a line; what an entry of the journal says that nobody wrote.
    pub fn said(&self, note: &str) -> String {
        self.read(ANYWHERE.iter(), note).unwrap_or_else(|| note.to_owned())
    }

    /// What an entry of the journal says: people's own words as they are.
    pub fn journal(&self, kind: JournalKind, text: &str) -> String {
        let by_hand = kind == JournalKind::Correction || JournalKind::BY_HAND.contains(&kind);
        if by_hand { text.to_owned() } else { self.said(text) }
    }

    /// What it is about.
    pub fn about(&self, about: &str) -> String {
        self.read(ABOUT.iter(), about).unwrap_or_else(|| about.to_owned())
    }

    /// What an entry of the audit log is about, and from where it was done.
    pub fn audited(&self, about: &str) -> String {
        self.read(AUDITED.iter(), about).unwrap_or_else(|| about.to_owned())
    }

    /// One try to pass a message on.
    pub fn attempt(&self, attempt: &Attempt) -> String {
        let way = self.read(OF_WAYS.iter(), &attempt.channel).unwrap_or_else(|| attempt.channel.clone());
        let result = self.read(OF_TRIES.iter(), &attempt.result).unwrap_or_else(|| attempt.result.clone());
        format!("{way}{}{result}", self.say(Both::new("：", ": ")))
    }

    fn read<'k>(&self, mut known: impl Iterator<Item = &'k Known>, note: &str) -> Option<String> {
        known.find_map(|(_, en, zh)| {
            let holes = fill(en, note, &|hole, text| self.hole(hole, text))?;
            let words = if self.tongue == Tongue::Zh { zh } else { en };
            Some(filled(words, &holes))
        })
    }

    /// What stands in a hole, for the reader; none where it can't stand there.
    fn hole(&self, hole: &str, text: &str) -> Option<String> {
        let token = || !text.is_empty() && !text.contains([' ', ',', '`']);
        let table =
            |known: &[(&str, Both)]| known.iter().find(|(word, _)| *word == text).map(|(_, both)| self.say(*both));
        match hole.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "text" => (!text.is_empty()).then(|| text.to_owned()),
            "note" => (!text.is_empty()).then(|| self.said(text)),
            "n" => text.parse::<i64>().ok().map(|_| text.to_owned()),
            "money" => {
                (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')).then(|| text.to_owned())
            }
            "ticket" => token().then(|| text.to_owned()),
            "number" if text == "a caller" => Some(self.say(Both::new("客户", "a caller"))),
            "number" => token().then(|| text.to_owned()),
            "who" => token().then(|| self.person(text)),
            "people" => {
                let all: Vec<String> = text.split(", ").map(|who| self.person(who)).collect();
                Some(all.join(self.comma()))
            }
            "at" => self.moment(text),
            "clock" => {
                let named = clock_name(text, Tongue::Zh);
                (named != text).then(|| clock_name(text, self.tongue))
            }
            "pause" => text.parse().ok().map(|reason| self.say(names::pause(reason))),
            "nature" => text.parse().ok().map(|nature| self.say(names::nature(nature))),
            "satisfaction" => text.parse().ok().map(|said| self.say(names::satisfaction(said))),
            "kind" => text.parse().ok().map(|kind| names::kind(kind, self.tongue).to_owned()),
            "role" => text.parse().ok().map(|role| self.say(names::role(role))),
            "stage" => {
                let of = |kind: &Kind| super::workflow::is_stage(*kind, text);
                Kind::ALL.iter().find(|kind| of(kind)).map(|kind| names::stage(*kind, text, self.tongue))
            }
            "why" => {
                let ended = text.parse::<LegEnd>().ok().map(|end| self.say(names::leg_end(end)).to_lowercase());
                let result = || text.parse::<ErrandResult>().ok().map(|result| self.say(names::errand_result(result)));
                ended.or_else(result).or_else(|| table(REASONS)).or_else(|| token().then(|| text.replace('_', " ")))
            }
            "reason" => match (text, text.strip_prefix("overdue ")) {
                ("unanswered", _) => Some(self.say(Both::new("未能当场答复", "unanswered"))),
                ("overdue", _) => Some(self.say(Both::new("超时", "overdue"))),
                (_, Some(clock)) => {
                    Some(format!("{} {}", self.say(Both::new("超时：", "overdue:")), clock_name(clock, self.tongue)))
                }
                (other, None) => Some(other.replace('_', " ")),
            },
            "fields" => {
                let field = |name: &str| FIELDS.iter().find(|(word, _)| *word == name).map(|(_, both)| self.say(*both));
                let all: Option<Vec<String>> = text.split(", ").map(field).collect();
                all.map(|all| all.join(self.comma()))
            }
            "sheet" => Some(self.sheet(text)),
            _ => None,
        }
    }

    fn comma(&self) -> &'static str {
        Both::new("、", ", ").of(self.tongue)
    }

    /// `work: …; materials: …`.
    fn sheet(&self, text: &str) -> String {
        let part = |part: &str| {
            let known = SHEET.iter().find_map(|(en, zh)| Some((zh, part.strip_prefix(en)?)));
            known.map_or_else(|| part.to_owned(), |(zh, rest)| format!("{zh}{rest}"))
        };
        match self.tongue {
            Tongue::Zh => text.split("; ").map(part).collect::<Vec<_>>().join("；"),
            Tongue::En => text.to_owned(),
        }
    }

    /// `2026-11-28 01:30 UTC` in the desk's own time.
    fn moment(&self, text: &str) -> Option<String> {
        let read = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|at| at.and_utc());
        let whole =
            |at: DateTime<Utc>, chars: usize| LocalTime::new(at, self.time_zone).short().chars().take(chars).collect();
        let seconds = || read("%Y-%m-%d %H:%M:%S UTC").map(|at| whole(at, 19));
        let machine = || DateTime::parse_from_rfc3339(text).ok().map(|at| whole(at.with_timezone(&Utc), 16));
        read("%Y-%m-%d %H:%M UTC").map(|at| whole(at, 16)).or_else(seconds).or_else(machine)
    }
}

/// A pattern with what stands in its holes.
fn filled(pattern: &str, holes: &[(&str, String)]) -> String {
    let mut pieces = pattern.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, literal) = piece.split_once('}').unwrap_or((piece, ""));
        text.extend(holes.iter().find(|(hole, _)| *hole == name).map(|(_, read)| read.as_str()));
        text.push_str(literal);
    }
    text
}

/// What stands in the holes of a pattern, each as `hole` reads it; none where the text is another one.
fn fill<'p>(
    pattern: &'p str,
    text: &str,
    hole: &dyn Fn(&str, &str) -> Option<String>,
) -> Option<Vec<(&'p str, String)>> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return (pattern == text).then(Vec::new);
    };
    let text = text.strip_prefix(before)?;
    let (name, after) = rest.split_once('}')?;
    let next = after.split_once('{').map_or(after, |(literal, _)| literal);
    let ends: Vec<usize> = match next {
        "" => vec![text.len()],
        literal => text.match_indices(literal).map(|(at, _)| at).collect(),
    };
    ends.into_iter().find_map(|end| {
        let read = hole(name, &text[..end])?;
        let mut others = fill(after, &text[end..], hole)?;
        others.insert(0, (name, read));
        Some(others)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::trunk::Why;

    fn name_of(extension: &str) -> Option<String> {
        match extension {
            "301" => Some("张伟".to_owned()),
            "302" => Some("李强".to_owned()),
            _ => None,
        }
    }

    fn notes(tongue: Tongue) -> Notes<'static> {
        Notes { people: &name_of, time_zone: chrono_tz::Asia::Shanghai, tongue }
    }

    fn line(who: &str, what: &str, note: &str) -> TicketEvent {
        let (who, what) = (who.to_owned(), what.to_owned());
        TicketEvent { at: DateTime::UNIX_EPOCH, who, what, note: Some(note.to_owned()) }
    }

    #[test]
    fn histories_are_told_in_the_readers_language_with_names_and_the_desks_time() {
        for (what, note, zh, en) in [
            ("opened", "301", "张伟 301", "张伟 301"),
            ("dispatched", "301: asked by phone", "张伟 301：电话回访", "张伟 301: asked by phone"),
            ("accepted", "301: 带梯子", "张伟 301：带梯子", "张伟 301: 带梯子"),
            ("quoted", "12.50: 换阀门", "12.50：换阀门", "12.50: 换阀门"),
            ("judged", "valid: 属实", "有效投诉：属实", "valid: 属实"),
            ("assigned", "302: 本周", "李强 302：本周", "李强 302: 本周"),
            ("followed_up", "satisfied: asked by phone", "满意：电话回访", "satisfied: asked by phone"),
            ("reopened_not_satisfied", "not_satisfied: x", "不满意：x", "not satisfied: x"),
            ("changed", "building, room", "楼栋、房号", "building, room"),
            ("handed_over", "301 -> 302", "张伟 301 → 李强 302", "张伟 301 -> 李强 302"),
            ("clock_met", "on_site", "到场", "on site"),
            (
                "clock_warned",
                "repaired, due 2026-11-28 01:30 UTC",
                "修复，期限 2026-11-28 09:30",
                "repaired, due 2026-11-28 09:30",
            ),
            (
                "clock_paused",
                "repaired, parts: 等三天",
                "修复，等配件：等三天",
                "repaired, waiting for material: 等三天",
            ),
            (
                "progress",
                "等配件 (by 2026-11-28 01:30 UTC)",
                "等配件（2026-11-28 09:30 前答复）",
                "等配件 (by 2026-11-28 09:30)",
            ),
            ("not_reached", "301: no_answer", "张伟 301：无人接听", "张伟 301: no answer"),
            (
                "not_reached",
                "301: the call could not be made",
                "张伟 301：电话未能打出",
                "张伟 301: the call could not be made",
            ),
            (
                "follow_up_tried",
                "13800138000: busy, after it went on",
                "13800138000：占线（工单已转入下一步）",
                "13800138000: busy, after it went on",
            ),
            (
                "supervisor_told",
                "301: confirmed (overdue on_site)",
                "张伟 301：已确认（超时： 到场）",
                "张伟 301: confirmed (overdue: on site)",
            ),
            (
                "not_dispatched",
                "nobody took it, round 1 of 3",
                "无人接单（第 1 轮，共 3 轮）",
                "nobody took it, round 1 of 3",
            ),
            (
                "work_sheet",
                "work: 换阀门; material cost: 12.50",
                "维修内容：换阀门；材料费：12.50",
                "work: 换阀门; material cost: 12.50",
            ),
            (
                "note",
                "accepted_by_customer was not possible: 301",
                "未能办理“客户已验收”：301",
                "accepted by the customer was not possible: 301",
            ),
            (
                "urged",
                "a caller, instead of 20261128-0007",
                "客户 再次来电，不另开 20261128-0007",
                "a caller, instead of 20261128-0007",
            ),
        ] {
            let event = line("system", what, note);
            assert_eq!(notes(Tongue::Zh).history(&event), zh, "{what} {note}");
            assert_eq!(notes(Tongue::En).history(&event), en, "{what} {note}");
        }
    }

    #[test]
    fn the_desk_and_the_audit_log_are_named() {
        let zh = notes(Tongue::Zh);
        assert_eq!((zh.person("desk"), notes(Tongue::En).person("desk")), ("前台".to_owned(), "desk".to_owned()));
        assert_eq!(zh.audited("SIP messages of call 3"), "通话 3 的 SIP 消息");
        assert_eq!(zh.audited("console 127.0.0.1"), "控制台 127.0.0.1");
        assert_eq!(zh.audited("account wang: made, receptionist"), "帐号 wang：新建，前台接待");
        assert_eq!(zh.audited("account wang: 5 in a row, locked"), "帐号 wang：连续第 5 次，已锁定");
        assert_eq!(zh.audited("list of calls, 3 rows"), "通话列表，3 行");
        assert_eq!(zh.audited("something else"), "something else");
    }

    #[test]
    fn what_people_wrote_stays_as_it_is() {
        for (who, what, note) in [
            ("301", "note", "asked by phone"),
            ("301", "handled", "valve: changed"),
            ("301", "progress", "等配件 (by Monday)"),
            ("301", "closed", "已处理"),
            ("301", "changed", "building, roof"),
        ] {
            assert_eq!(notes(Tongue::Zh).history(&line(who, what, note)), note);
        }
    }

    #[test]
    fn alarms_lines_and_the_journal_are_chinese_for_chinese_readers() {
        let zh = |note: &str| notes(Tongue::Zh).said(note);
        assert_eq!(
            zh("on_site was due 2026-11-28 01:30 UTC; owner: 301"),
            "“到场”期限 2026-11-28 09:30；受理人：张伟 301"
        );
        assert_eq!(zh("the run of 2026-11-28 01:30:05 UTC was cut off"), "2026-11-28 09:30:05 开始的运行异常中断");
        assert_eq!(zh("王芳 took the shift over; 李强 had not signed off: 生病"), "王芳 接班；李强 未交班：生病");
        assert_eq!(zh("王芳 took the shift over; nobody had not signed off: x"), "王芳 接班；此前无人当班：x");
        assert_eq!(zh("the time of day jumped by -61 s"), "时钟跳变 -61 秒");
        assert_eq!(zh("3 failures in a row; the last: 550 no"), "连续失败 3 次，最近一次：550 no");
        let whys = [
            Why::NoAddress,
            Why::Unreachable,
            Why::Silent,
            Why::ConnectionLost,
            Why::WrongPassword,
            Why::OddChallenge,
            Why::Refused(403),
            Why::Expired,
        ];
        for why in whys {
            let said = zh(&why.to_string());
            assert!(!said.contains("its ") && !said.contains("it "), "{said}");
        }
    }

    #[test]
    fn tries_to_pass_a_message_on_say_how_and_what_came_of_it() {
        let zh = |channel: &str, result: &str| {
            let (channel, result) = (channel.to_owned(), result.to_owned());
            notes(Tongue::Zh).attempt(&Attempt { at: DateTime::UNIX_EPOCH, channel, result })
        };
        assert_eq!(zh("phone: 301", "not_reached (no_answer)"), "电话 张伟 301：未接通（无人接听）");
        assert_eq!(zh("phone: 301", "not_called"), "电话 张伟 301：未能呼叫");
        assert_eq!(zh("by hand: 302", "confirmed"), "人工 李强 302：已确认");
        assert_eq!(zh("console", "forwarded by 301 to 302"), "控制台：张伟 301 转发给 李强 302");
        assert_eq!(zh("phone", "heard by 301"), "电话：张伟 301 已听");
        assert_eq!(zh("email: a@b.cn", "failed: 550 no"), "邮件 a@b.cn：发送失败：550 no");
    }

    #[test]
    fn both_texts_of_a_note_have_the_same_facts() {
        for (_, en, zh) in
            OF_HISTORIES.iter().chain(ANYWHERE).chain(OF_TRIES).chain(OF_WAYS).chain(ABOUT).chain(AUDITED)
        {
            let holes = |text: &str| {
                let mut names: Vec<String> =
                    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
                names.sort();
                names
            };
            let (mut of_en, of_zh) = (holes(en), holes(zh));
            // What a refusal says that the ticket goes on to is on the page already.
            of_en.retain(|hole| hole != "text" || of_zh.contains(hole));
            assert_eq!(of_en, of_zh, "{en}");
        }
    }
}

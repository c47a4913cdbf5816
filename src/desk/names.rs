//! Names of words that records keep, for people: `on_site` is 到场 or "on site".

use super::alarm::AlarmKind;
use super::call_record::LegEnd;
use super::category;
use super::clocks::PauseReason;
use super::errand::ErrandResult;
use super::journal::JournalKind;
use super::message::Relay;
use super::people::Duty;
use super::presence::Whereabouts;
use super::privacy::Role;
use super::report::table::{Both, Tongue};
use super::report::tables;
use super::ticket::{Channel, Class, Kind};
use super::workflow::{Nature, Quote, Satisfaction};

/// A stage of any kind of ticket (`desk::workflow`).
pub fn stage(kind: Kind, word: &str, tongue: Tongue) -> String {
    let text = match (kind, word) {
        (_, "reported") => Both::new("已报修", "reported"),
        (_, "dispatched") => Both::new("已派工", "dispatched"),
        (_, "accepted") => Both::new("已接单", "accepted"),
        (_, "on_site") => Both::new("已到场", "on site"),
        (_, "quoted") => Both::new("已报价", "quoted"),
        (_, "repaired") => Both::new("已修复", "repaired"),
        (_, "accepted_by_customer") => Both::new("客户已验收", "accepted by the customer"),
        (_, "followed_up") => Both::new("已回访", "followed up"),
        (_, "receive") => Both::new("接诉", "received"),
        (_, "judge") => Both::new("辩诉", "judging"),
        (_, "analyse") => Both::new("析诉", "analysing"),
        (_, "assign") => Both::new("定责", "assigning"),
        (_, "handle") => Both::new("处理", "handling"),
        (_, "follow_up") => Both::new("回访", "following up"),
        (_, "sum_up") => Both::new("总结", "summing up"),
        (_, "archive") => Both::new("归档", "archived"),
        (_, "received") => Both::new("已受理", "received"),
        (_, "answered") => Both::new("已答复", "answered"),
        (_, "attended") => Both::new("已到场", "attended"),
        (_, "resolved") => Both::new("已解决", "resolved"),
        (_, "closed") => Both::new("已关闭", "closed"),
        (_, other) => return other.to_owned(),
    };
    text.of(tongue).to_owned()
}

/// What a step to a stage does, for its button.
pub fn step(from: &str, to: &str, reopens: bool, tongue: Tongue) -> String {
    let text = match (from, to) {
        _ if reopens => Both::new("重新办理", "Begin again"),
        (_, "dispatched") => Both::new("派工", "Dispatch"),
        ("quoted", "accepted" | "on_site") => Both::new("客户同意报价", "Customer agrees to the price"),
        (_, "accepted") => Both::new("接单", "Accept"),
        ("dispatched", "reported") => Both::new("退回", "Pass on"),
        ("repaired", "on_site") => Both::new("客户不接受", "Customer does not accept"),
        (_, "on_site") => Both::new("到场", "On site"),
        (_, "quoted") => Both::new("报价", "Quote a price"),
        (_, "repaired") => Both::new("修复", "Repaired"),
        (_, "accepted_by_customer") => Both::new("客户验收", "Customer accepts the work"),
        (_, "followed_up" | "sum_up") => Both::new("回访完成", "Followed up"),
        (_, "judge") => Both::new("进入辩诉", "Go on to judging"),
        (_, "analyse") => Both::new("辩诉完成", "Judged"),
        (_, "assign") => Both::new("析诉完成", "Analysed"),
        (_, "handle") => Both::new("定责完成", "Assign"),
        (_, "follow_up") => Both::new("处理完成", "Handled"),
        (_, "archive") => Both::new("归档", "Archive"),
        (_, "answered") => Both::new("答复", "Answered"),
        (_, "attended") => Both::new("到场", "Attended"),
        (_, "resolved") => Both::new("解决", "Resolved"),
        (_, "closed") => Both::new("关闭", "Close"),
        (_, other) => return other.to_owned(),
    };
    text.of(tongue).to_owned()
}

pub fn kind(kind: Kind, tongue: Tongue) -> &'static str {
    tables::kind_name(kind, tongue)
}

pub fn clock(name: &str, tongue: Tongue) -> String {
    tables::clock_name(name, tongue)
}

/// A category of the rule book; a site's own key as it is.
pub fn category(key: &str, tongue: Tongue) -> String {
    category::find(key).map_or_else(|| key.to_owned(), |found| Both::new(found.zh, found.en).of(tongue).to_owned())
}

/// R18.
pub fn class(class: Class) -> Both {
    match class {
        Class::A => Both::new("A 医疗急救", "A medical"),
        Class::B => Both::new("B 维修", "B repair"),
        Class::C => Both::new("C 投诉", "C complaint"),
        Class::D => Both::new("D 咨询", "D inquiry"),
        Class::E => Both::new("E 治安、交通", "E crime, accident"),
        Class::F => Both::new("F 火灾、水浸", "F fire, flood"),
        Class::G => Both::new("G 其他", "G other"),
    }
}

pub fn channel(channel: Channel) -> Both {
    match channel {
        Channel::Phone => Both::new("来电", "telephone"),
        Channel::Visit => Both::new("来访", "visit"),
        Channel::Letter => Both::new("来信", "letter"),
    }
}

pub fn pause(reason: PauseReason) -> Both {
    match reason {
        PauseReason::CustomerWish => Both::new("客户另约时间", "the customer wants another time"),
        PauseReason::NoAccess => Both::new("无人开门", "nobody opens"),
        PauseReason::Parts => Both::new("等配件", "waiting for material"),
        PauseReason::QuoteConsent => Both::new("客户考虑报价", "the customer considers the price"),
        PauseReason::Weather => Both::new("天气", "weather"),
        PauseReason::Others => Both::new("等其他单位", "waiting for others"),
    }
}

pub fn quote(quote: Quote) -> Both {
    match quote {
        Quote::Requested => Both::new("待核价", "asked for"),
        Quote::Told => Both::new("已告知", "told"),
        Quote::Accepted => Both::new("已同意", "accepted"),
        Quote::Refused => Both::new("不同意", "refused"),
    }
}

pub fn nature(nature: Nature) -> Both {
    match nature {
        Nature::Valid => Both::new("有效投诉", "valid"),
        Nature::Communicative => Both::new("沟通性投诉", "communicative"),
    }
}

pub fn satisfaction(satisfaction: Satisfaction) -> Both {
    match satisfaction {
        Satisfaction::Satisfied => Both::new("满意", "satisfied"),
        Satisfaction::NotSatisfied => Both::new("不满意", "not satisfied"),
    }
}

pub fn relay(relay: Relay) -> Both {
    match relay {
        Relay::Pending => Both::new("待转达", "waiting"),
        Relay::Notified => Both::new("已通知", "notified"),
        Relay::Heard => Both::new("已听", "heard"),
        Relay::Confirmed => Both::new("已确认", "confirmed"),
        Relay::Escalated => Both::new("已上报", "escalated"),
    }
}

pub fn whereabouts(whereabouts: Whereabouts) -> Both {
    match whereabouts {
        Whereabouts::In => Both::new("在岗", "in"),
        Whereabouts::Out => Both::new("外出", "out"),
        Whereabouts::Dnd => Both::new("请勿打扰", "do not disturb"),
    }
}

pub fn alarm(kind: AlarmKind) -> Both {
    match kind {
        AlarmKind::MissedEmergency => Both::new("紧急求助无人接听", "Emergency missed"),
        AlarmKind::LineDown => Both::new("线路中断", "Line down"),
        AlarmKind::OutgoingCalls => Both::new("外呼过多", "Too many calls out"),
        AlarmKind::Overdue => Both::new("工单超时", "Ticket overdue"),
        AlarmKind::DiskLow => Both::new("磁盘空间不足", "Disk is low"),
        AlarmKind::NotDispatched => Both::new("无人接单", "Not dispatched"),
        AlarmKind::MessageUnconfirmed => Both::new("留言未确认", "Message unconfirmed"),
        AlarmKind::ChannelFailing => Both::new("通知发送失败", "Notices fail"),
    }
}

/// Every word that is written in a ticket's history (`store::ticket_rows::event` writes no other).
const EVENTS: &[(&str, Both)] = &[
    ("opened", Both::new("受理", "opened")),
    ("report_complete", Both::new("登记完整", "report complete")),
    ("added", Both::new("补充", "added")),
    ("changed", Both::new("修改", "changed")),
    ("note", Both::new("备注", "note")),
    ("handed_over", Both::new("移交", "handed over")),
    ("urged", Both::new("催单", "urged")),
    ("dispatched", Both::new("派工", "dispatched")),
    ("not_dispatched", Both::new("未能派工", "not dispatched")),
    ("declined", Both::new("拒单", "declined")),
    ("passed_on", Both::new("退回", "passed on")),
    ("not_reached", Both::new("未接通", "not reached")),
    ("supervisor_told", Both::new("已通知主管", "supervisor told")),
    ("supervisor_not_reached", Both::new("主管未接通", "supervisor not reached")),
    ("accepted", Both::new("接单", "accepted")),
    ("on_site", Both::new("到场", "on site")),
    ("quote_requested", Both::new("请求核价", "price asked for")),
    ("quoted", Both::new("报价", "quoted")),
    ("quote_accepted", Both::new("同意报价", "price accepted")),
    ("repaired", Both::new("修复", "repaired")),
    ("not_accepted", Both::new("客户不接受", "not accepted")),
    ("accepted_by_customer", Both::new("客户验收", "accepted by the customer")),
    ("work_sheet", Both::new("填写任务单", "work sheet")),
    ("rework", Both::new("本单为返修", "rework")),
    ("reworked", Both::new("返修", "reworked")),
    ("followed_up", Both::new("回访", "followed up")),
    ("follow_up_tried", Both::new("回访未接通", "follow-up tried")),
    ("follow_up_not_reached", Both::new("回访未能接通", "follow-up not reached")),
    ("follow_up_wants_to_speak", Both::new("客户要求通话", "wants to speak with somebody")),
    ("judging", Both::new("进入辩诉", "judging")),
    ("judged", Both::new("已辩诉", "judged")),
    ("analysed", Both::new("已析诉", "analysed")),
    ("assigned", Both::new("已定责", "assigned")),
    ("handled", Both::new("已处理", "handled")),
    ("archived", Both::new("归档", "archived")),
    ("serious", Both::new("列为重大", "marked serious")),
    ("not_serious", Both::new("不再列为重大", "no longer serious")),
    ("progress", Both::new("告知进展", "told of progress")),
    ("answered", Both::new("答复", "answered")),
    ("attended", Both::new("到场", "attended")),
    ("resolved", Both::new("解决", "resolved")),
    ("clock_met", Both::new("时限完成", "clock met")),
    ("clock_warned", Both::new("即将超时", "nearly overdue")),
    ("clock_breached", Both::new("已超时", "overdue")),
    ("clock_paused", Both::new("时限暂停", "clock paused")),
    ("clock_resumed", Both::new("时限恢复", "clock resumed")),
    ("closed", Both::new("关闭", "closed")),
    ("closed_referred", Both::new("转其他单位", "referred")),
    ("withdrawn", Both::new("撤回", "withdrawn")),
    ("reopened", Both::new("重新办理", "begun again")),
    ("reopened_not_satisfied", Both::new("不满意，重新办理", "begun again: not satisfied")),
    ("call_ended_early", Both::new("来电提前结束", "the call ended early")),
    ("call_interrupted", Both::new("来电中断", "the call was cut off")),
    ("recording_deleted", Both::new("录音已删除", "recording deleted")),
];

/// A word of a ticket's history.
pub fn event(word: &str, tongue: Tongue) -> String {
    let known = EVENTS.iter().find(|(known, _)| *known == word);
    known.map_or_else(|| word.replace('_', " "), |(_, text)| text.of(tongue).to_owned())
}

/// Whether it is a word of a ticket's history.
pub fn is_event(word: &str) -> bool {
    EVENTS.iter().any(|(known, _)| *known == word)
}

/// What an entry of the journal is.
pub fn journal(kind: JournalKind) -> Both {
    match kind {
        JournalKind::LineDown => Both::new("线路中断", "line down"),
        JournalKind::LineUp => Both::new("线路恢复", "line up"),
        JournalKind::DiskLow => Both::new("磁盘不足", "disk low"),
        JournalKind::DiskBack => Both::new("磁盘恢复", "disk back"),
        JournalKind::MissedEmergency => Both::new("漏接紧急电话", "missed emergency"),
        JournalKind::OutgoingCalls => Both::new("呼出上限", "outgoing calls"),
        JournalKind::Overdue => Both::new("超时", "overdue"),
        JournalKind::Started => Both::new("启动", "started"),
        JournalKind::Stopped => Both::new("停止", "stopped"),
        JournalKind::CutOff => Both::new("异常中断", "cut off"),
        JournalKind::Restored => Both::new("从备份恢复", "restored"),
        JournalKind::Imported => Both::new("导入", "imported"),
        JournalKind::ClockSet => Both::new("时钟跳变", "clock set"),
        JournalKind::NoSignOff => Both::new("未交班", "no sign-off"),
        JournalKind::Note => Both::new("备忘", "note"),
        JournalKind::Incident => Both::new("事件", "incident"),
        JournalKind::Equipment => Both::new("设备", "equipment"),
        JournalKind::Visitor => Both::new("来访", "visitor"),
        JournalKind::Correction => Both::new("更正", "correction"),
        JournalKind::Alarm => Both::new("告警", "alarm"),
    }
}

/// A group of people on duty.
pub fn duty(duty: Duty) -> Both {
    match duty {
        Duty::Receptionist => Both::new("前台", "Reception"),
        Duty::Emergency => Both::new("应急", "Emergencies"),
        Duty::Engineer => Both::new("维修", "Engineers"),
        Duty::Supervisor => Both::new("主管", "Supervisors"),
    }
}

/// How a leg of a call ended.
pub fn leg_end(end: LegEnd) -> Both {
    match end {
        LegEnd::Talked => Both::new("通话结束", "Talk ended"),
        LegEnd::Declined => Both::new("谢绝", "Declined"),
        LegEnd::MessageWanted => Both::new("请代为留言", "Asked for a message"),
        LegEnd::NoAnswer => Both::new("无人接听", "No answer"),
        LegEnd::NoConsent => Both::new("接起后未确认", "Answered, no consent"),
        LegEnd::Busy => Both::new("占线", "Busy"),
        LegEnd::Failed => Both::new("失败", "Failed"),
        LegEnd::Cancelled => Both::new("已取消", "Cancelled"),
        LegEnd::NotCalled => Both::new("未能呼叫", "Could not be called"),
    }
}

/// What came of a call of the desk's own.
pub fn errand_result(result: ErrandResult) -> Both {
    match result {
        ErrandResult::Accepted => Both::new("接单", "accepted"),
        ErrandResult::Declined => Both::new("谢绝", "declined"),
        ErrandResult::Confirmed => Both::new("已确认", "confirmed"),
        ErrandResult::Heard => Both::new("已听", "heard"),
        ErrandResult::Satisfied => Both::new("满意", "satisfied"),
        ErrandResult::NotSatisfied => Both::new("不满意", "not satisfied"),
        ErrandResult::WantsToSpeak => Both::new("要求与工作人员通话", "wants to speak to somebody"),
        ErrandResult::NotReached => Both::new("未接通", "not reached"),
        ErrandResult::Failed => Both::new("未能拨打", "could not be called"),
    }
}

/// A role's name.
pub fn role(role: Role) -> Both {
    match role {
        Role::Engineer => Both::new("维修工程师", "Engineer"),
        Role::Receptionist => Both::new("前台接待", "Receptionist"),
        Role::Supervisor => Both::new("主管", "Supervisor"),
        Role::Administrator => Both::new("管理员", "Administrator"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::workflow::edges;

    #[test]
    fn every_stage_step_and_word_of_the_workflow_has_a_name() {
        for edge in Kind::ALL.iter().flat_map(|kind| edges(*kind)) {
            for tongue in [Tongue::Zh, Tongue::En] {
                assert_ne!(step(edge.from, edge.to, edge.reopens, tongue), edge.to, "{edge:?}");
            }
            for word in [edge.from, edge.to] {
                assert_ne!(stage(edge.kind, word, Tongue::Zh), word, "{edge:?}");
            }
            assert!(is_event(edge.event), "{edge:?}");
        }
    }

    #[test]
    fn every_word_of_a_history_is_chinese_on_a_chinese_page() {
        for (word, _) in EVENTS {
            assert!(event(word, Tongue::Zh).chars().all(|c| !c.is_ascii_alphabetic()), "{word}");
        }
    }
}

//! Names of words in pages: what records keep as `on_site` is 到场 or "on site" there (`desk::names`), and what notes say
//! (`desk::notes`).

use crate::console::gate::Visitor;
pub use crate::desk::names::*;
use crate::desk::notes::Notes;
use crate::desk::report::table::{Both, Tongue};

/// `张伟 301`, or what is known.
pub fn person(visitor: &Visitor, who: &str) -> String {
    notes(visitor).person(who)
}

/// What the desk itself wrote down, in the visitor's language.
pub fn notes(visitor: &Visitor) -> Notes<'_> {
    Notes { people: visitor.settings.people.as_ref(), time_zone: visitor.settings.time_zone, tongue: visitor.tongue }
}

/// What a node of the flow does (`flow::steps`); a step without a name as it is written.
pub fn flow_step(step: &str, tongue: Tongue) -> String {
    let text = match step {
        "menu" => Both::new("菜单", "menu"),
        "play" => Both::new("播放", "play"),
        "ticket" => Both::new("开工单", "ticket"),
        "place" => Both::new("问楼栋房号", "place"),
        "repeat" => Both::new("查催单", "repeat"),
        "number" => Both::new("问回电号码", "number"),
        "record" => Both::new("录音", "record"),
        "complete" => Both::new("保存", "complete"),
        "person" => Both::new("找人", "person"),
        "ring" => Both::new("呼叫", "ring"),
        "voicemail" => Both::new("留言", "voicemail"),
        "mailbox" => Both::new("信箱", "mailbox"),
        "work" => Both::new("报进度", "work"),
        "answers" => Both::new("答复", "answers"),
        "language" => Both::new("换语言", "language"),
        "hours" => Both::new("服务时间", "hours"),
        "human" => Both::new("转人工", "human"),
        "result" => Both::new("记结果", "result"),
        "comment" => Both::new("客户意见", "comment"),
        "hangup" => Both::new("挂机", "hangup"),
        other => return other.to_owned(),
    };
    text.of(tongue).to_owned()
}

/// What leads from one node of the flow to another; keys as they are.
pub fn flow_case(case: &str, tongue: Tongue) -> String {
    let text = match case {
        "next" => Both::new("继续", "next"),
        "failed" => Both::new("按错或不按", "failed"),
        "silence" => Both::new("不按键", "silence"),
        "nobody" => Both::new("无人", "nobody"),
        "found" => Both::new("找到", "found"),
        "absent" => Both::new("不在", "absent"),
        "back" => Both::new("返回", "back"),
        "declined" => Both::new("谢绝", "declined"),
        "message" => Both::new("留言", "message"),
        "done" => Both::new("完成", "done"),
        "unanswered" => Both::new("无答复", "unanswered"),
        "unsaved" => Both::new("未保存", "unsaved"),
        "nothing" => Both::new("未说话", "nothing"),
        "over" => Both::new("已结束", "over"),
        "reported" => Both::new("已上报", "reported"),
        "open" => Both::new("开放", "open"),
        "closed" => Both::new("关闭", "closed"),
        other => return other.to_owned(),
    };
    text.of(tongue).to_owned()
}

//! One call: what is known of it, what happened in it, how it was heard, what was recorded.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;

use super::{clock, colour, seconds};
use crate::console::gate::Visitor;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, page, shown, words};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::call_record::{CallRecord, Direction, RtpStats};
use crate::desk::privacy::{Kept, Surface};
use crate::desk::report::table::{Both, Tongue};
use crate::desk::timeline::{self, Happened};
use crate::desk::told::told;
use crate::sheets::call_log;
use crate::types::CallId;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/calls/{id}", get(one))
}

/// One line of what happened.
struct Line {
    at: String,
    what: String,
    /// More of it, in quiet letters.
    more: String,
    /// What it is, for its sign: `key`, `node`, `leg`, `line`.
    sort: &'static str,
}

/// How one leg was heard.
struct Heard {
    who: String,
    codec: &'static str,
    received: u64,
    lost: u64,
    lost_share: String,
    jitter_ms: String,
    mos: Option<String>,
    /// A colour and a word.
    grade: Option<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "call.html")]
struct CallPage {
    frame: Frame,
    call: CallRecord,
    out: bool,
    outcome: Option<(&'static str, &'static str)>,
    reason: String,
    lasted: String,
    answer: Option<String>,
    late: bool,
    handled_by: String,
    lines: Vec<Line>,
    heard: Vec<Heard>,
    /// Whether the visitor may have the SIP messages.
    signalling: bool,
}

impl CallPage {
    fn text<'t>(&self, text: &'t Option<String>) -> &'t str {
        text.as_deref().unwrap_or("—")
    }
}

/// The call as its page shows it.
pub(super) async fn seen(shared: &Arc<Shared>, visitor: &Visitor, id: &str) -> Result<CallRecord, ProblemDetails> {
    let unknown =
        |id: &str| ProblemDetails::new(StatusCode::NOT_FOUND, told!("没有通话 {id}", "call {id} does not exist"));
    let number: i64 = id.parse().map_err(|_| unknown(&id.chars().take(20).collect::<String>()))?;
    let by = visitor.clone();
    shown(shared, visitor, move |reader| {
        let found = reader.call(CallId(number))?.ok_or_else(|| unknown(&number.to_string()))?;
        let seen = by.sight(Surface::Record).call(found);
        let shows = seen.shows(Surface::Record).then(|| format!("call {}", seen.id));
        Ok((seen, shows))
    })
    .await
}

async fn one(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<String>) -> Paged {
    let call = seen(&shared, &visitor, &id).await?;
    let tongue = visitor.tongue;
    let say = |zh, en| Both::new(zh, en).of(tongue);
    let answer = call.answer_ms.map(|ms| match call.answer_rings {
        Some(ring) if tongue == Tongue::Zh => format!("{}，第 {ring} 声铃响", seconds(ms)),
        Some(ring) => format!("{}, in ring {ring}", seconds(ms)),
        None => seconds(ms),
    });
    let lasted = call.ended_at.map(|end| (end - call.started_at).num_seconds().max(0).unsigned_abs());
    page(&CallPage {
        frame: Frame::new(&visitor, format!("{} {}", say("通话", "Call"), call.id)),
        out: call.direction == Direction::Out,
        outcome: call.outcome.map(|outcome| (colour(&outcome), call_log::outcome(outcome).of(tongue))),
        reason: call.end_reason.as_deref().map(|word| call_log::end_reason(word, tongue)).unwrap_or_default(),
        lasted: lasted.map(clock).unwrap_or_default(),
        answer,
        late: call.answer_ms.is_some_and(|ms| ms >= visitor.settings.cadence.third_ring_ms()),
        handled_by: words::person(&visitor, call.handled_by.as_deref().unwrap_or_default()),
        lines: timeline::of(&call).iter().map(|moment| line(moment, &call, &visitor)).collect(),
        heard: heard(&call, &visitor),
        signalling: visitor.user.role.may_have(Kept::Signalling),
        call,
    })
}

fn line(moment: &timeline::Moment, call: &CallRecord, visitor: &Visitor) -> Line {
    let tongue = visitor.tongue;
    let say = |zh: &'static str, en: &'static str| Both::new(zh, en).of(tongue).to_owned();
    let called = |node| visitor.settings.flow.called(node, tongue);
    let who = |extension: &str| match extension {
        "" => say("客户", "the customer"),
        extension => words::person(visitor, extension),
    };
    let (sort, what, more) = match &moment.what {
        Happened::Began if call.direction == Direction::Out => {
            ("line", say("前台呼出", "The desk called"), String::new())
        }
        Happened::Began => ("line", say("来电，开始振铃", "Came in and rang"), String::new()),
        Happened::Answered { ring } => {
            let more = ring.map(|ring| match tongue {
                Tongue::Zh => format!("第 {ring} 声铃响"),
                Tongue::En => format!("in ring {ring}"),
            });
            ("line", say("接听", "Answered"), more.unwrap_or_default())
        }
        Happened::Node { node } => ("node", called(node).to_owned(), step_of(node, visitor)),
        Happened::Keys { node, keys } => ("key", format!("{} {keys}", say("按键", "Keyed")), called(node).to_owned()),
        Happened::Rang { extension, place, .. } => {
            ("leg", format!("{} {}", say("呼叫", "Rang"), who(extension)), place.clone())
        }
        Happened::Talked { extension, .. } => {
            ("leg", format!("{} {}", who(extension), say("接通", "took the call")), String::new())
        }
        Happened::LegEnded { extension, end, status, .. } => {
            let what = format!("{}：{}", who(extension), words::leg_end(*end).of(tongue));
            let what = if tongue == Tongue::En { what.replace('：', ": ") } else { what };
            ("leg", what, status.map(|status| format!("SIP {status}")).unwrap_or_default())
        }
        Happened::Ended { outcome, reason: why } => {
            let outcome = outcome.map(|outcome| call_log::outcome(outcome).of(tongue));
            let what = [Some(say("结束", "Ended")), outcome.map(str::to_owned)];
            let what = what.into_iter().flatten().collect::<Vec<_>>().join(" · ");
            ("line", what, why.as_deref().map(|word| call_log::end_reason(word, tongue)).unwrap_or_default())
        }
    };
    Line { at: seconds(moment.at_ms), what, more, sort }
}

/// What a node does, where the flow still has it.
fn step_of(node: &str, visitor: &Visitor) -> String {
    let flow = &visitor.settings.flow;
    flow.node(node).map(|at| words::flow_step(&flow.nodes[at].step, visitor.tongue)).unwrap_or_default()
}

fn heard(call: &CallRecord, visitor: &Visitor) -> Vec<Heard> {
    let tongue = visitor.tongue;
    let one = |who: String, codec: Option<crate::types::Codec>, rtp: &RtpStats| Heard {
        who,
        codec: codec.map_or("", |codec| codec.encoding_name()),
        received: rtp.received,
        lost: rtp.lost,
        lost_share: match rtp.received + rtp.lost {
            0 => String::new(),
            all => format!("{:.1}%", rtp.lost as f64 / all as f64 * 100.0),
        },
        jitter_ms: format!("{:.1}", rtp.jitter_ms),
        mos: rtp.mos.map(|mos| format!("{mos:.2}")),
        grade: rtp.mos.map(|mos| grade(mos, tongue)),
    };
    let caller = Both::new("主叫", "Caller").of(tongue).to_owned();
    let talked = call.legs.iter().filter(|leg| leg.rtp.received > 0 || leg.talk_ms.is_some());
    let legs = talked.map(|leg| one(words::person(visitor, &leg.extension), leg.codec, &leg.rtp));
    [one(caller, call.codec, &call.rtp)].into_iter().chain(legs).collect()
}

/// ITU-T G.107 annex B: satisfied above 4.0, many dissatisfied below 3.6.
fn grade(mos: f64, tongue: Tongue) -> (&'static str, &'static str) {
    let (colour, text) = match mos {
        4.0.. => ("green", Both::new("好", "good")),
        3.6.. => ("amber", Both::new("一般", "fair")),
        _ => ("red", Both::new("差", "poor")),
    };
    (colour, text.of(tongue))
}

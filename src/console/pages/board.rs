//! The board: who calls, where they are and for how long, how the line is answered today, what is due. A supervisor looks at
//! it all day; with `?wall=1` it can be read from three metres. It shows no number in whole, so that it can hang on a wall
//! (R12): the page of a call does.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};

use super::frame::Frame;
use super::list::Asked;
use super::{Paged, page, words};
use crate::console::access::DeskSettings;
use crate::console::board::{KnownCall, Seen, View};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::alarm::Alarm;
use crate::desk::board::{self, COUNTED_MAX, DueNext, Level, Today};
use crate::desk::call_record::Direction;
use crate::desk::errand::ErrandKind;
use crate::desk::live::{Node, Phase};
use crate::desk::notes::Notes;
use crate::desk::privacy::{mask_number, mask_text};
use crate::desk::report::table::{Both, Tongue};
use crate::desk::trunk_state::{TrunkState, TrunkWord};

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/board", get(board))
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    frame: Frame,
    seen: Arc<Seen>,
    wall: bool,
}

impl BoardPage {
    /// A part, rendered from our own templates.
    fn part(&self, name: &str) -> &str {
        let parts = self.seen.parts(self.frame.tongue);
        parts.iter().find(|part| part.name == name).map_or("", |part| part.html.as_str())
    }
}

async fn board(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let seen = shared.board.now().await;
    let wall = asked.some("wall").is_some();
    page(&BoardPage { frame: Frame::of(&visitor, "/board"), seen, wall })
}

/// The board's parts by the ids of their elements, in the order of the page.
pub fn parts(view: &View, settings: &DeskSettings, tongue: Tongue, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let words = Words { settings, tongue, now };
    let today = view.today.as_deref();
    let live = view.live.as_deref();
    let rendered = [
        ("board-figures", Figures { words, tiles: tiles(words, live, today) }.render()),
        ("board-calls", Calls { words, live: live.map(|live| rows(words, live)) }.render()),
        ("board-due", Due { words, today }.render()),
        ("board-lines", Lines { words, today, answers: live.is_some() }.render()),
    ];
    let whole = |(name, html): (_, Result<String, askama::Error>)| match html {
        Ok(html) => (name, html),
        Err(fault) => {
            tracing::error!(%fault, name, "a part of the board could not be made");
            (name, String::new())
        }
    };
    rendered.into_iter().map(whole).collect()
}

/// What templates of the board say, for nobody in particular.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub settings: &'a DeskSettings,
    pub tongue: Tongue,
    pub now: DateTime<Utc>,
}

impl Words<'_> {
    pub fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        Both::new(zh, en).of(self.tongue)
    }

    /// `王芳 (100)`.
    pub fn person(&self, extension: &str) -> String {
        match self.settings.people.person(extension) {
            Some(person) => format!("{} ({extension})", person.name),
            // The desk's own name as an owner, unless the settings give it another one.
            None if extension == "desk" => self.say("前台", "desk").to_owned(),
            None => extension.to_owned(),
        }
    }

    /// For `data-since` and `data-until`.
    pub fn machine(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// Without the day where it is today's.
    pub fn near(&self, at: &DateTime<Utc>) -> String {
        let zone = self.settings.time_zone;
        let (local, today) = (at.with_timezone(&zone), self.now.with_timezone(&zone).date_naive());
        let format = if local.date_naive() == today { "%H:%M" } else { "%m-%d %H:%M" };
        local.format(format).to_string()
    }

    fn node(&self, node: &Node) -> String {
        node.title.as_ref().map_or(node.name.as_str(), |title| title.of(self.tongue)).to_owned()
    }

    fn people(&self, extensions: &[String]) -> String {
        let names: Vec<String> = extensions.iter().map(|extension| self.person(extension)).collect();
        names.join(self.say("、", ", "))
    }

    /// Where a call is, in a few words.
    pub fn phase(&self, known: &KnownCall) -> Shown {
        let call = &known.call;
        let zh = self.tongue == Tongue::Zh;
        let (sign, name, detail) = match &call.phase {
            Phase::Ringing if call.rung.is_empty() => ("☎", self.say("振铃", "Ringing"), String::new()),
            Phase::Ringing => ("☎", self.say("振铃", "Ringing"), self.people(&call.rung)),
            Phase::Menu { node } => ("☰", self.say("菜单", "Menu"), self.node(node)),
            Phase::Recording { node } => ("●", self.say("录音", "Recording"), self.node(node)),
            Phase::Queued { place } if zh => ("…", "等候人工", format!("第 {place} 位")),
            Phase::Queued { place } => ("…", "Waiting", format!("place {place}")),
            Phase::Reaching => ("→", self.say("呼叫同事", "Ringing staff"), self.people(&call.rung)),
            Phase::Talking { with, held: false } => ("↔", self.say("通话", "Talking"), self.person(with)),
            Phase::Talking { with, held: true } => ("‖", self.say("保持", "On hold"), self.person(with)),
            Phase::Asking { by, whom, answered } => {
                let (by, whom) = (self.person(by), self.person(whom));
                let detail = match (zh, answered) {
                    (true, false) => format!("{by} 正在呼叫 {whom}"),
                    (true, true) => format!("{by} 与 {whom} 商量"),
                    (false, false) => format!("{by} rings {whom}"),
                    (false, true) => format!("{by} asks {whom}"),
                };
                ("‖", self.say("咨询同事", "Asking staff"), detail)
            }
            Phase::HandedOn { by } => {
                let (by, to) = (self.person(by), self.people(&call.rung));
                (
                    "→",
                    self.say("转接", "Transfer"),
                    if zh { format!("{by} 转给 {to}") } else { format!("{by} to {to}") },
                )
            }
            Phase::Parked { by, slot } => {
                let by = self.person(by);
                ("P", self.say("驻留", "Parked"), if zh { format!("{slot}，{by}") } else { format!("{slot}, by {by}") })
            }
            Phase::Recalled { by } => ("↩", self.say("回叫", "Recall"), self.person(by)),
            Phase::Calling { errand } => (
                "↗",
                self.say("外呼", "Desk calls"),
                errand.map_or(String::new(), |e| errand_name(e).of(self.tongue).to_owned()),
            ),
            Phase::After { call_back, by } => {
                let name = match call_back {
                    true => self.say("回拨", "Call-back"),
                    false => self.say("来电人已挂断，继续呼叫", "Caller gone, ringing on"),
                };
                let detail = by.as_ref().map_or_else(|| self.people(&call.rung), |by| self.person(by));
                ("↩", name, detail)
            }
            Phase::Ending => ("■", self.say("结束", "Ending"), String::new()),
        };
        // Who is rung while the caller hears something else.
        let beside =
            !matches!(call.phase, Phase::Ringing | Phase::Reaching | Phase::HandedOn { .. } | Phase::After { .. });
        let rung = if beside && !call.rung.is_empty() { self.people(&call.rung) } else { String::new() };
        Shown { word: call.phase.word(), sign, name, detail, rung }
    }

    /// Who calls: resident, name, masked number.
    pub fn who(&self, known: &KnownCall) -> Who {
        let call = &known.call;
        let home = known.home.as_ref();
        let place = home.and_then(|home| home.place.clone());
        let resident = home.and_then(|home| home.name.clone());
        let number = match (&call.caller, call.direction) {
            (Some(number), _) => mask_number(number),
            // Whom the desk calls: somebody of the staff.
            (None, Direction::Out) => self.person(&mask_number(&call.callee)),
            (None, Direction::In) => self.say("号码未显示", "Number withheld").to_owned(),
        };
        let sent = call.caller_name.as_deref().map(|name| mask_text(name).into_owned());
        let sent = sent.filter(|sent| resident.is_none() && *sent != number && !sent.is_empty());
        Who { place, name: resident.or(sent), number }
    }

    /// What a ticket is about.
    pub fn about(&self, due: &DueNext) -> String {
        let category = due.category.as_deref().map(|key| words::category(key, self.tongue));
        category.unwrap_or_else(|| words::kind(due.kind, self.tongue).to_owned())
    }

    pub fn clock(&self, name: &str) -> String {
        words::clock(name, self.tongue)
    }

    pub fn due_level(&self, due: &DueNext) -> &'static str {
        class(board::due(due.due, self.now))
    }

    pub fn alarm(&self, alarm: &Alarm) -> &'static str {
        words::alarm(alarm.kind).of(self.tongue)
    }

    /// Notes may hold a number.
    pub fn note(&self, text: &str) -> String {
        let people = self.settings.people.as_ref();
        let notes = Notes { people, time_zone: self.settings.time_zone, tongue: self.tongue };
        mask_text(&notes.said(text)).into_owned()
    }

    pub fn trunk(&self, trunk: &TrunkWord) -> &'static str {
        match trunk.state {
            TrunkState::Up => self.say("正常", "Up"),
            TrunkState::Starting => self.say("连接中", "Starting"),
            TrunkState::Down => self.say("中断", "Down"),
            TrunkState::Left => self.say("已停用", "Left"),
        }
    }

    pub fn trunk_level(&self, trunk: &TrunkWord) -> &'static str {
        class(match trunk.state {
            TrunkState::Up => Level::Good,
            TrunkState::Starting => Level::Watch,
            TrunkState::Down => Level::Bad,
            TrunkState::Left => Level::None,
        })
    }
}

/// Where a call is.
pub struct Shown {
    /// For the style sheet.
    pub word: &'static str,
    pub sign: &'static str,
    pub name: &'static str,
    pub detail: String,
    /// Who is rung meanwhile.
    pub rung: String,
}

/// Who calls.
pub struct Who {
    pub place: Option<String>,
    pub name: Option<String>,
    pub number: String,
}

fn errand_name(kind: ErrandKind) -> Both {
    match kind {
        ErrandKind::Dispatch => Both::new("派工", "Dispatch"),
        ErrandKind::Relay => Both::new("转告留言", "Message"),
        ErrandKind::FollowUp => Both::new("回访", "Follow-up"),
        ErrandKind::Notice => Both::new("通知", "Notice"),
        ErrandKind::Prompt => Both::new("录提示音", "Prompt"),
    }
}

/// The colour of a level, for `.mark` and tiles.
fn class(level: Level) -> &'static str {
    match level {
        Level::None => "",
        Level::Good => "green",
        Level::Watch => "amber",
        Level::Bad => "red",
    }
}

/// A figure that is read from afar.
struct Tile {
    name: &'static str,
    value: String,
    unit: &'static str,
    /// Counts up since then, in place of a value.
    since: Option<String>,
    /// What it is made of.
    detail: String,
    level: Level,
}

impl Tile {
    fn class(&self) -> &'static str {
        class(self.level)
    }

    /// Colour is never the only sign.
    fn sign(&self) -> &'static str {
        match self.level {
            Level::None => "–",
            Level::Good => "✓",
            Level::Watch => "!",
            Level::Bad => "‼",
        }
    }
}

fn tiles(words: Words<'_>, live: Option<&[KnownCall]>, today: Option<&Today>) -> Vec<Tile> {
    let zh = words.tongue == Tongue::Zh;
    let tile = |zh, en, value: String, level| Tile {
        name: words.say(zh, en),
        value,
        unit: "",
        since: None,
        detail: String::new(),
        level,
    };
    let mut tiles = Vec::new();
    if let Some(live) = live {
        let talking = live.iter().filter(|known| known.call.with().is_some()).count();
        let in_all = live.iter().filter(|known| known.call.phase != Phase::Ending).count();
        let detail =
            if zh { format!("其中 {talking} 个在与人通话") } else { format!("{talking} with a person") };
        tiles.push(Tile { detail, ..tile("当前通话", "Calls now", in_all.to_string(), Level::None) });
        let waiting: Vec<&KnownCall> = live.iter().filter(|known| known.call.waits()).collect();
        let oldest = waiting.iter().map(|known| known.call.since).min();
        let level = board::waiting(oldest.map(|since| (words.now - since).max(TimeDelta::zero())));
        let detail = if zh { format!("{} 人在等", waiting.len()) } else { format!("{} waiting", waiting.len()) };
        let none = words.say("无", "none").to_owned();
        let since = oldest.map(|since| words.machine(&since));
        tiles.push(Tile { since, detail, ..tile("等候最久", "Waiting longest", none, level) });
    }
    let Some(today) = today else { return tiles };
    let (calls, percent) = (&today.calls, |share: Option<f64>| match share {
        Some(share) => format!("{:.0}", (share * 100.0).floor()),
        None => "–".to_owned(),
    });
    let talked = calls.people.reached;
    let detail = if zh { format!("与人通话 {talked}") } else { format!("{talked} talked with a person") };
    tiles.push(Tile { detail, ..tile("今日来电", "Calls today", calls.offered.to_string(), Level::None) });
    let in_time = calls.machine_before_third_ring + calls.person_before_third_ring;
    let detail = match zh {
        true => format!("今日接听 {} 中 {in_time}", calls.answered),
        false => format!("{in_time} of {} answered today", calls.answered),
    };
    let share = percent(calls.before_third_ring_share);
    let level = board::answered_in_time(calls);
    tiles.push(Tile { unit: "%", detail, ..tile("三声内接听", "Before third ring", share, level) });
    let detail = match zh {
        true => format!("另有 {} 人接听后挂断", calls.abandoned_after_answer),
        false => format!("{} more after the answer", calls.abandoned_after_answer),
    };
    let level = board::abandoned(calls);
    tiles.push(Tile { detail, ..tile("未接挂断", "Abandoned", calls.abandoned.to_string(), level) });
    let counted = |count: u32| if count >= COUNTED_MAX { format!("{COUNTED_MAX}+") } else { count.to_string() };
    let soon = today.clocks.iter().filter(|due| board::due(due.due, words.now) == Level::Watch).count();
    let level = match (today.overdue, soon) {
        (0, 0) => Level::Good,
        (0, _) => Level::Watch,
        _ => Level::Bad,
    };
    let running = counted(today.running);
    let detail = if zh { format!("计时中 {running}") } else { format!("{running} clocks run") };
    tiles.push(Tile { detail, ..tile("超时", "Overdue", counted(today.overdue), level) });
    let level = board::unheard(today.unheard_since, words.now);
    let oldest = today.unheard_since.map(|since| words.near(&since));
    let detail = oldest.map_or(String::new(), |at| if zh { format!("最早 {at}") } else { format!("oldest {at}") });
    tiles.push(Tile { detail, ..tile("未听留言", "Unheard messages", counted(today.unheard), level) });
    let level = if today.open_alarms == 0 { Level::Good } else { Level::Bad };
    tiles.push(tile("告警", "Alarms", counted(today.open_alarms), level));
    tiles
}

#[derive(Template)]
#[template(path = "board_figures.html")]
struct Figures<'a> {
    words: Words<'a>,
    tiles: Vec<Tile>,
}

/// A call in the list.
struct Row<'a> {
    known: &'a KnownCall,
    who: Who,
    shown: Shown,
    level: &'static str,
}

/// Those who wait come first, the longest first; then those who talk, then the rest.
fn rows<'a>(words: Words<'_>, live: &'a [KnownCall]) -> Vec<Row<'a>> {
    let mut live: Vec<&KnownCall> = live.iter().collect();
    live.sort_by_key(|known| {
        let call = &known.call;
        let turn = match (call.waits(), call.with().is_some()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        (turn, call.since, call.id)
    });
    let row = |known: &'a KnownCall| {
        let waits = known.call.waits().then(|| (words.now - known.call.since).max(TimeDelta::zero()));
        let level = waits.map_or("", |waits| class(board::waiting(Some(waits))));
        Row { known, who: words.who(known), shown: words.phase(known), level }
    };
    live.into_iter().map(row).collect()
}

#[derive(Template)]
#[template(path = "board_calls.html")]
struct Calls<'a> {
    words: Words<'a>,
    live: Option<Vec<Row<'a>>>,
}

#[derive(Template)]
#[template(path = "board_due.html")]
struct Due<'a> {
    words: Words<'a>,
    today: Option<&'a Today>,
}

#[derive(Template)]
#[template(path = "board_lines.html")]
struct Lines<'a> {
    words: Words<'a>,
    today: Option<&'a Today>,
    /// The line answers.
    answers: bool,
}

//! Store, recorder and media stream of a call test, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use frontdesk::desk::call_back::{CallBackState, WaitingCallBack};
use frontdesk::desk::call_record::CallRecord;
use frontdesk::desk::errand::{Errand, ErrandAbout, ErrandState};
use frontdesk::desk::message::{Message, MessagesWaiting, Relay};
use frontdesk::desk::request::{DeskError, DeskReply, DeskRequest, Done};
use frontdesk::desk::work_report::{WorkFound, WorkWord};
use frontdesk::media::io::{MediaToken, RecordLimits};
use frontdesk::types::{CallId, MessageId, Mono, RecordingId, StreamConfig, TicketNumber};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreState {
    Writes,
    /// Refuses at once.
    Overloaded,
    /// Replies that it could not write.
    DiskFull,
}

/// An in-memory store that answers as the real one does.
#[derive(Debug)]
pub struct Store {
    pub state: StoreState,
    /// Each with whether it is complete.
    pub tickets: BTreeMap<String, bool>,
    pub messages: i64,
    /// Messages that wait for whoever listens.
    pub left: Vec<Message>,
    /// Recordings that can't be read.
    pub lost: Vec<RecordingId>,
    /// Calls by their newest row.
    pub rows: BTreeMap<i64, CallRecord>,
    pub ended: BTreeSet<i64>,
    /// By call, in the order of their places: whether it waits, and what is said.
    pub call_backs: BTreeMap<i64, (CallBackState, String)>,
    /// Calls that the desk is to make: what they are for, and how far they are.
    pub errands: BTreeMap<i64, (Errand, ErrandState)>,
    /// Of ticket 20261123-0003.
    pub stage: String,
}

impl Default for Store {
    fn default() -> Self {
        let (tickets, left, lost, rows, ended, call_backs, errands) = Default::default();
        Self {
            state: StoreState::Writes,
            tickets,
            messages: 0,
            left,
            lost,
            rows,
            ended,
            call_backs,
            errands,
            stage: "dispatched".to_owned(),
        }
    }
}

impl Store {
    /// Keeps a row; the row itself when it is the one that ends the call.
    pub fn put(&mut self, row: CallRecord) -> Option<CallRecord> {
        let id = row.id.0;
        let before = self.rows.insert(id, row.clone());
        if self.ended.contains(&id) {
            // What is done for a caller who is gone may still come; the end stays as it was.
            let before = before.expect("it has a row");
            let end = |row: &CallRecord| (row.ended_at, row.outcome, row.end_reason.clone());
            assert_eq!(end(&before), end(&row), "a call ends once (R4)");
            return None;
        }
        assert_eq!(row.ended_at.is_some(), row.outcome.is_some(), "a call ends with an outcome (R4)");
        row.ended_at?;
        self.ended.insert(id);
        Some(row)
    }

    /// A message for whoever listens.
    pub fn leave(&mut self, recording: &str, left_at: DateTime<Utc>) {
        self.left.push(Message {
            id: MessageId(101 + self.left.len() as i64),
            for_person: Some("201".to_owned()),
            from_number: Some("13900139000".to_owned()),
            from_name: None,
            recording: Some(RecordingId(recording.to_owned())),
            transcript: None,
            duration_ms: 1_000,
            left_at,
            relay: Relay::Pending,
            attempts: Vec::new(),
            incomplete: false,
            call: None,
            deleted: None,
        });
    }

    /// Call-backs that wait, as the next run finds them.
    pub fn waiting_call_backs(&self) -> Vec<WaitingCallBack> {
        let waiting = self.call_backs.iter().filter(|(_, (state, _))| *state == CallBackState::Waiting);
        let found = |(call, (_, say)): (&i64, &(CallBackState, String))| {
            let record = self.rows[call].clone();
            WaitingCallBack { since: record.started_at, record, say: say.clone() }
        };
        waiting.map(found).collect()
    }

    /// Errands that wait, as the watch finds them.
    pub fn waiting_errands(&self) -> Vec<Errand> {
        let waiting = self.errands.values().filter(|(_, state)| *state == ErrandState::Waiting);
        waiting.map(|(errand, _)| errand.clone()).collect()
    }

    /// What a start does with those that were cut off.
    pub fn take_up_errands(&mut self) {
        for (_, state) in self.errands.values_mut().filter(|(_, state)| *state == ErrandState::Calling) {
            *state = ErrandState::Waiting;
        }
    }

    fn waiting(&self) -> MessagesWaiting {
        let new = self.left.iter().filter(|m| m.relay.is_unheard()).count() as u64;
        MessagesWaiting { extension: "201".to_owned(), new, old: self.left.len() as u64 - new }
    }

    /// The reply, and what of it is to be read in a transcript.
    pub fn serve(&mut self, call: CallId, request: DeskRequest) -> (DeskReply, String) {
        let (id, told) = match &request {
            DeskRequest::OpenTicket { id, draft } => {
                let urgency = draft.urgency.map(|u| format!(" {u}")).unwrap_or_default();
                let category = draft.category.as_ref().map(|c| format!(" {c}")).unwrap_or_default();
                (*id, format!("{}{urgency}{category}", draft.kind))
            }
            DeskRequest::ChangeTicket { id, number, change } => {
                let mut told = format!("{number}");
                for (name, value) in [
                    ("callback", &change.callback_number),
                    ("building", &change.building),
                    ("room", &change.room),
                    ("recording", &change.recording.as_ref().map(|r| r.0.clone())),
                    ("complete", &change.complete.map(|c| c.to_string())),
                    ("note", &change.note),
                ] {
                    told += &value.as_ref().map(|v| format!(" {name}={v}")).unwrap_or_default();
                }
                (*id, told)
            }
            DeskRequest::OpenMessage { id, draft } => {
                (*id, format!("for {}", draft.for_person.as_deref().unwrap_or("the desk")))
            }
            DeskRequest::ChangeMessage { id, message, change } => {
                let recording = change.recording.as_ref().map(|r| format!(" recording={}", r.0)).unwrap_or_default();
                let complete = change.complete.map(|c| format!(" complete={c}")).unwrap_or_default();
                let relay = change.relay.map(|r| format!(" relay={r}")).unwrap_or_default();
                (*id, format!("{}{recording}{complete}{relay}", message.0))
            }
            DeskRequest::PutAlarm { id, word } => {
                let ticket = word.ticket.as_ref().map(|n| format!(" {n}")).unwrap_or_default();
                (*id, format!("alarm {}{ticket}: {}", word.state, word.note))
            }
            DeskRequest::PutTrunk { id, word } => (*id, format!("trunk {} is {}", word.name, word.state)),
            DeskRequest::PutJournal { id, entry } => (*id, format!("journal {}: {}", entry.about, entry.text)),
            DeskRequest::PutCallBack { id, word } => (*id, format!("call-back {}", word.state)),
            DeskRequest::FindWork { id, digits } => (*id, format!("the ticket {digits}")),
            DeskRequest::ReportWork { id, number, extension, word } => (*id, format!("{number} {word} by {extension}")),
            DeskRequest::BeginErrand { id, errand } => (*id, format!("errand {} begins", errand.0)),
            DeskRequest::KeepErrand { id, end, over } => {
                let why = end.why.as_ref().map(|why| format!(" {why}")).unwrap_or_default();
                let comment = end.comment.as_ref().map(|c| format!(" comment={}", c.0)).unwrap_or_default();
                let over = if *over { ", over" } else { "" };
                (*id, format!("errand {} {}{why}{comment}{over}", end.errand.0, end.result))
            }
            DeskRequest::ListMessages { id, for_person } => (*id, format!("of {for_person}")),
            DeskRequest::CountMessages { id, for_person } => (*id, format!("of {for_person}")),
            DeskRequest::FindHomes { id, number } => (*id, format!("homes of {number}")),
            DeskRequest::FindOpenRepair { id, building, room, .. } => {
                (*id, format!("open repair at {building} {room}"))
            }
            DeskRequest::PutCall(_) | DeskRequest::PutLadder(_) | DeskRequest::PutBan(_) => {
                unreachable!("it is put")
            }
        };
        let result = match self.state {
            StoreState::Writes if self.is_taken(&request) => Err(DeskError::Unknown("errand that waits".to_owned())),
            StoreState::Writes => Ok(self.write(request)),
            StoreState::Overloaded => Err(DeskError::Overloaded(16)),
            StoreState::DiskFull => Err(DeskError::NotWritten("disk full".to_owned())),
        };
        let told = match &result {
            Ok(Done::TicketOpened(number)) => format!("ticket {number} {told}"),
            Ok(Done::MessageOpened(MessageId(id))) => format!("message {id} {told}"),
            Ok(Done::Changed | Done::MessageChanged(_)) => format!("changed {told}"),
            Ok(Done::Messages { list, .. }) => format!("{} messages {told}", list.len()),
            Ok(Done::Homes(homes)) => format!("{} {told}", homes.len()),
            Ok(Done::OpenRepair(open)) => format!("{} {told}", open.iter().count()),
            Ok(Done::Work(Some(work))) => format!("{told}: {}{}", work.stage, if work.moved { " now" } else { "" }),
            Ok(Done::Work(None)) => format!("{told}: there is none"),
            Ok(Done::Waiting(waiting)) => format!("counts {} messages {told}", waiting.new),
            Err(_) => format!("not kept: {told}"),
        };
        (DeskReply { call, id, result }, told)
    }

    /// The one ticket that the staff can report on.
    fn work(&self, number: &str, moved: bool) -> WorkFound {
        let about =
            ErrandAbout { category: Some("lift".to_owned()), building: Some("3".to_owned()), ..Default::default() };
        WorkFound { number: TicketNumber(number.to_owned()), stage: self.stage.clone(), moved, about }
    }

    fn is_taken(&self, request: &DeskRequest) -> bool {
        let DeskRequest::BeginErrand { errand, .. } = request else { return false };
        self.errands[&errand.0].1 != ErrandState::Waiting
    }

    fn write(&mut self, request: DeskRequest) -> Done {
        match request {
            DeskRequest::OpenTicket { .. } => {
                let number = format!("20261123-{:04}", self.tickets.len() + 1);
                self.tickets.insert(number.clone(), false);
                Done::TicketOpened(TicketNumber(number))
            }
            DeskRequest::ChangeTicket { number, change, .. } => {
                let complete = self.tickets.get_mut(&number.0).expect("only an open ticket is changed");
                *complete = change.complete.unwrap_or(*complete);
                Done::Changed
            }
            DeskRequest::OpenMessage { .. } => {
                self.messages += 1;
                Done::MessageOpened(MessageId(self.messages))
            }
            DeskRequest::ChangeMessage { message, change, .. } => {
                let before = self.waiting();
                if let Some(left) = self.left.iter_mut().find(|m| m.id == message) {
                    left.relay = left.relay.after(&change);
                }
                let changed = Some(self.waiting()).filter(|now| *now != before);
                Done::MessageChanged(changed.into_iter().collect())
            }
            DeskRequest::PutCallBack { word, .. } => {
                let say = word.say.clone();
                let kept = self.call_backs.entry(word.call.0).or_insert((word.state, say));
                kept.0 = word.state;
                Done::Changed
            }
            DeskRequest::FindWork { digits, .. } => {
                let found = (digits == "3").then(|| self.work("20261123-0003", false));
                Done::Work(found.map(Box::new))
            }
            DeskRequest::ReportWork { number, word, .. } => {
                let moved = word == WorkWord::Accepted && self.stage == "dispatched"
                    || word == WorkWord::OnSite && self.stage == "accepted";
                if moved {
                    word.as_str().clone_into(&mut self.stage);
                }
                Done::Work(Some(Box::new(self.work(&number.0, moved))))
            }
            DeskRequest::BeginErrand { errand, .. } => {
                self.errands.get_mut(&errand.0).expect("there is one").1 = ErrandState::Calling;
                Done::Changed
            }
            DeskRequest::KeepErrand { end, over, .. } => {
                if over {
                    self.errands.get_mut(&end.errand.0).expect("there is one").1 = ErrandState::Ended;
                }
                Done::Changed
            }
            DeskRequest::ListMessages { .. } => Done::Messages { list: self.left.clone(), waiting: self.waiting() },
            DeskRequest::CountMessages { for_person, .. } => {
                Done::Waiting(MessagesWaiting { extension: for_person, new: 0, old: 0 })
            }
            DeskRequest::FindHomes { .. } => Done::Homes(Vec::new()),
            DeskRequest::FindOpenRepair { .. } => Done::OpenRepair(None),
            DeskRequest::PutCall(_)
            | DeskRequest::PutAlarm { .. }
            | DeskRequest::PutTrunk { .. }
            | DeskRequest::PutJournal { .. }
            | DeskRequest::PutLadder(_)
            | DeskRequest::PutBan(_) => Done::Changed,
        }
    }
}

/// A media stream: what is played lasts a second a clip.
#[derive(Debug)]
pub struct Stream {
    pub config: StreamConfig,
    pub playing: Option<(MediaToken, Mono)>,
    /// Music plays, without an end.
    pub music: bool,
    pub recording: Option<Take>,
    /// Since when the phone does not listen.
    pub held_at: Option<Mono>,
}

/// A recording as its stream sees it.
#[derive(Debug)]
pub struct Take {
    pub token: MediaToken,
    pub limits: RecordLimits,
    pub started: Mono,
    pub heard: Mono,
}

impl Take {
    /// When it ends by itself.
    pub fn end(&self) -> Mono {
        let limit = self.started + std::time::Duration::from_millis(self.limits.max_ms.into());
        let silence = self.heard + std::time::Duration::from_millis(self.limits.silence_ms.into());
        limit.min(silence)
    }
}

/// Files of recordings, and whether the disk takes them.
#[derive(Debug, Default)]
pub struct Recorder {
    pub fails: bool,
    /// Each with whether all of it was written.
    pub open: BTreeMap<RecordingId, bool>,
}

//! What is done with a ticket from its page. Each form carries the version that was seen: where somebody else changed the
//! ticket meanwhile, nothing is written, the page says what they did, and what was typed stays to be sent again.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use chrono::{DateTime, Utc};

use super::person;
use crate::console::gate::Visitor;
use crate::console::pages::fault::PageFault;
use crate::console::pages::form::Form;
use crate::console::pages::list::local_time;
use crate::console::pages::{Paged, done, words};
use crate::console::problem::{ProblemDetails, wrong};
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::privacy::Surface;
use crate::desk::report::table::{Both, Tongue};
use crate::desk::ticket_edit::{Closing, Progress, TicketEdit};
use crate::desk::told::{Told, told};
use crate::desk::workflow::{Advance, WorkSheet};
use crate::store::{Editor, StoreError};
use crate::types::TicketNumber;

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/tickets/{number}/note", post(note))
        .route("/tickets/{number}/edit", post(edit))
        .route("/tickets/{number}/step", post(step))
        .route("/tickets/{number}/sheet", post(sheet))
        .route("/tickets/{number}/close", post(close))
        .route("/tickets/{number}/progress", post(progress))
        .route("/tickets/{number}/serious", post(serious))
        .route("/tickets/{number}/price", post(price))
        .route("/tickets/{number}/clocks/{clock}/{what}", post(clock))
}

/// What came of a change.
enum Changed {
    Done,
    /// Somebody else changed the ticket meanwhile; the version that it has now.
    Meanwhile(i64),
    /// It is not for them to change; that is written down.
    NotTheirs,
}

/// Carries out a change of a ticket that is still as it was seen, and theirs to change (R12).
async fn change(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    (number, form): (&str, &Form),
    work: impl FnOnce(&mut Editor, &TicketNumber, &str, DateTime<Utc>) -> Result<(), StoreError> + Send + 'static,
) -> Paged {
    change_from(&format!("/tickets/{number}"), shared, visitor, (number, form), work).await
}

/// The same from another page, which is shown again.
pub async fn change_from(
    page: &str,
    shared: &Arc<Shared>,
    visitor: &Visitor,
    (number, form): (&str, &Form),
    work: impl FnOnce(&mut Editor, &TicketNumber, &str, DateTime<Utc>) -> Result<(), StoreError> + Send + 'static,
) -> Paged {
    let seen: i64 = form
        .text("seen")
        .parse()
        .map_err(|_| wrong(told!("页面已过期：请刷新", "the page is out of date: load it again")))?;
    let opened = form.text("opened").parse::<i64>().ok().and_then(DateTime::from_timestamp_millis);
    let number = TicketNumber(number.to_owned());
    let (by, at) = (visitor.clone(), visitor.now);
    let clocks = Arc::clone(&visitor.settings.clocks);
    let of = number.clone();
    let changed = shared
        .pool
        .edit(clocks, move |editor| {
            let changed = editor.at_once(|editor| {
                let ticket = editor.ticket(&number, at)?;
                if ticket.is_some_and(|ticket| !by.sight(Surface::Record).may_change(&ticket)) {
                    editor.audit(&by.entry(Deed::Refused, &format!("ticket {number}: a change")))?;
                    return Ok(Changed::NotTheirs);
                }
                editor.expect_version(&number, seen)?;
                work(editor, &number, by.who(), at).map(|()| Changed::Done)
            });
            match changed {
                Err(StoreError::Changed { version }) => Ok(Changed::Meanwhile(version)),
                changed => Ok(changed?),
            }
        })
        .await?;
    match changed {
        Changed::Done => done(page, "saved"),
        Changed::Meanwhile(version) => Err(meanwhile(shared, visitor, of, opened, version).await?),
        Changed::NotTheirs => {
            let what = told!(
                "工程师只能更改自己负责的工单；{of} 不是",
                "an engineer changes their own tickets alone; {of} is none of them"
            );
            Err(ProblemDetails::new(StatusCode::FORBIDDEN, what).into())
        }
    }
}

/// What others did with a ticket since its page was opened.
async fn meanwhile(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    number: TicketNumber,
    opened: Option<DateTime<Utc>>,
    version: i64,
) -> Result<PageFault, PageFault> {
    let now = visitor.now;
    let ticket = shared.pool.read(move |reader| Ok(reader.ticket(&number, now)?)).await?;
    let sight = visitor.sight(Surface::List);
    let events = ticket.map(|ticket| sight.ticket(ticket).events).unwrap_or_default();
    let since = opened.unwrap_or(now);
    let told = events.iter().filter(|event| event.at >= since).map(|event| {
        let at = event.at.with_timezone(&visitor.settings.time_zone).format("%H:%M:%S");
        let (who, what) = (person(visitor, &event.who), words::event(&event.what, visitor.tongue));
        let note = words::notes(visitor).history(event);
        match (visitor.tongue, note.is_empty()) {
            (Tongue::Zh, true) => format!("{at} {who}：{what}"),
            (Tongue::Zh, false) => format!("{at} {who}：{what}（{note}）"),
            (Tongue::En, true) => format!("{at} {who}: {what}"),
            (Tongue::En, false) => format!("{at} {who}: {what} ({note})"),
        }
    });
    let told = told.collect::<Vec<_>>().join(if visitor.tongue == Tongue::Zh { "；" } else { "; " });
    if told.is_empty() {
        let detail = StoreError::Changed { version }.told().unwrap_or_else(|| Told::from(""));
        return Ok(PageFault::changed(version, detail));
    }
    let detail = match visitor.tongue {
        Tongue::Zh => format!("{told}。您输入的内容还在：请核对后再次提交，或刷新页面。"),
        Tongue::En => format!("{told}. What you typed is still there: look at it and send it again, or load the page."),
    };
    Ok(PageFault::changed(version, detail))
}

/// `12.5` and `12` in hundredths.
fn cents(form: &Form, name: &str) -> Result<Option<i64>, ProblemDetails> {
    let text = form.text(name);
    if text.is_empty() {
        return Ok(None);
    }
    let read = || {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 8 || text == "." {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: i64 = if part.is_empty() { 0 } else { format!("{part:0<2}").parse().ok()? };
        Some(whole * 100 + part)
    };
    let which = match name {
        "material_cost" => "材料费",
        "labour_cost" => "人工费",
        _ => "价格",
    };
    read().map(Some).ok_or_else(|| wrong(told!("{which}：金额请写成 12.50", "{name}: write money as 12.50")))
}

fn work_sheet(form: &Form) -> Result<WorkSheet, ProblemDetails> {
    let sheet = WorkSheet {
        work_done: form.changed("work_done"),
        materials: form.changed("materials"),
        material_cents: changed_cents(form, "material_cost")?,
        labour_cents: changed_cents(form, "labour_cost")?,
    };
    sheet.check().map_err(wrong)?;
    Ok(sheet)
}

/// A cost that was changed; one that was taken out is nothing.
fn changed_cents(form: &Form, name: &str) -> Result<Option<i64>, ProblemDetails> {
    let changed = form.changed(name).is_some();
    Ok(cents(form, name)?.or(Some(0)).filter(|_| changed))
}

/// The extension of whoever is meant; a department or firm as it is written.
pub fn who(text: &str, visitor: &Visitor) -> String {
    visitor.settings.people.meant(text).map_or_else(|_| text.to_owned(), |person| person.extension.clone())
}

type Number = Path<String>;

async fn note(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let Some(text) = form.some("note") else { return Err(wrong(told!("请填写备注", "a note has a text")).into()) };
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| editor.note(number, who, at, &text))
        .await
}

async fn edit(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let owner = form.changed("owner").filter(|owner| !owner.is_empty()).map(|owner| who(&owner, &visitor));
    if owner.is_some() && !visitor.sight(Surface::Record).may_hand_over() {
        let (access, entry) = (shared.access.clone(), visitor.entry(Deed::Refused, &format!("ticket {number}: owner")));
        shared.pool.read(move |_| Ok(access.audit(&entry)?)).await?;
        let what = Both::new("工程师不能更换受理人", "an engineer gives no ticket another owner");
        return Err(ProblemDetails::new(StatusCode::FORBIDDEN, what).into());
    }
    let edit = TicketEdit {
        owner,
        urgency: form.changed("urgency").and_then(|word| word.parse().ok()),
        category: form.changed("category"),
        callback_number: form.changed("callback_number"),
        building: form.changed("building"),
        room: form.changed("room"),
        resident: form.changed("resident"),
        wanted_time: form.changed("wanted_time"),
        key_left: form.changed("key_left").filter(|word| !word.is_empty()).map(|word| word == "yes"),
        description: form.changed("description"),
    };
    if edit == TicketEdit::default() {
        return done(&format!("/tickets/{number}"), "unchanged");
    }
    edit.check().map_err(wrong)?;
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| editor.edit(number, who, at, &edit))
        .await
}

async fn step(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let step = Advance {
        to: form.text("to").to_owned(),
        note: form.some("note"),
        engineer: form.some("engineer").map(|text| who(&text, &visitor)),
        price_cents: cents(&form, "price")?,
        consent: form.ticked("consent").then_some(true),
        nature: form.some("nature").map(|_| form.word("nature")).transpose()?,
        responsible: form.some("responsible").map(|text| who(&text, &visitor)),
        satisfaction: form.some("satisfaction").map(|_| form.word("satisfaction")).transpose()?,
        sheet: work_sheet(&form)?,
    };
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| {
        editor.advance(number, who, at, None, &step).map(drop)
    })
    .await
}

async fn sheet(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let sheet = work_sheet(&form)?;
    if sheet == WorkSheet::default() {
        return Err(wrong(told!("任务单没有填写内容", "nothing to write was given")).into());
    }
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| {
        editor.write_sheet(number, who, at, &sheet)
    })
    .await
}

async fn close(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let note = form.text("note").to_owned();
    let closing = match form.text("how") {
        "withdrawn" => Closing::Withdrawn { note },
        "referred" => Closing::Referred {
            department: form.text("department").to_owned(),
            contact: form.text("contact").to_owned(),
            note,
        },
        _ => Closing::Done { note },
    };
    closing.check().map_err(wrong)?;
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| editor.close(number, who, at, &closing))
        .await
}

async fn progress(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let until = form.some("until").and_then(|text| local_time(&text, visitor.settings.time_zone));
    let told = Progress { note: form.text("note").to_owned(), until };
    told.check(visitor.now).map_err(wrong)?;
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| editor.progress(number, who, at, &told))
        .await
}

async fn serious(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let is = form.text("serious") == "yes";
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| editor.set_serious(number, who, at, is))
        .await
}

async fn price(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(number): Number, form: Form) -> Paged {
    let note = form.some("note");
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| {
        editor.request_quote(number, who, at, note.as_deref())
    })
    .await
}

async fn clock(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((number, clock, what)): Path<(String, String, String)>,
    form: Form,
) -> Paged {
    let reason = form.some("reason").map(|_| form.word("reason")).transpose()?;
    let note = form.some("note");
    change(&shared, &visitor, (&number, &form), move |editor, number, who, at| match (what.as_str(), reason) {
        ("met", _) => editor.meet_clock(number, who, at, &clock),
        ("resume", _) => editor.resume_clock(number, who, at, &clock),
        ("pause", Some(reason)) => editor.pause_clock(number, who, at, &clock, (reason, note.as_deref())),
        _ => Err(StoreError::Refused(told!("请选择暂停的原因", "say why the clock stands still"))),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_in_hundredths() {
        let of = |text: &str| cents(&Form::read(&format!("price={text}")), "price").map_err(|_| ());
        for (text, cents) in [("", Ok(None)), ("12", Ok(Some(1_200))), ("12.5", Ok(Some(1_250))), ("0.05", Ok(Some(5)))]
        {
            assert_eq!(of(text), cents, "{text}");
        }
        for odd in ["-1", "1.234", "1,5", "x", ".", "999999999", "1.2.3"] {
            assert_eq!(of(odd), Err(()), "{odd}");
        }
    }
}

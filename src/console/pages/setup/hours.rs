//! Hours: the week, holidays, make-up workdays, and what happens at any time (R43).

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::routing::{get, post};
use chrono::{DateTime, FixedOffset, Weekday};

use super::content::{Origin, change, file_of};
use super::people::duty_name;
use crate::console::gate::Visitor;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::list::Asked;
use crate::console::pages::{Paged, done, page};
use crate::console::shared::Shared;
use crate::desk::moment::{GAP_DAYS, Group, Moment, MomentWarning};
use crate::desk::on_duty::{Because, Staff};
use crate::desk::people::Duty;
use crate::desk::presence::Presences;
use crate::desk::report::table::{Both, Tongue};
use crate::setup::{At, Content, DAYS, Fingerprint, HolidayForm, Setup, WorkdayForm, week_of, written_days};

const PATH: &str = "/setup/hours";

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/hours", get(hours))
        .route("/setup/hours/week", post(put_week))
        .route("/setup/hours/holidays", post(add_holiday))
        .route("/setup/hours/holidays/{at}", post(put_holiday))
        .route("/setup/hours/holidays/{at}/remove", post(remove_holiday))
        .route("/setup/hours/workdays", post(add_workday))
        .route("/setup/hours/workdays/{at}", post(put_workday))
        .route("/setup/hours/workdays/{at}/remove", post(remove_workday))
}

/// A day of the week's name, by its key in the file.
pub fn day_name(day: &str) -> Both {
    match day {
        "mon" => Both::new("星期一", "Monday"),
        "tue" => Both::new("星期二", "Tuesday"),
        "wed" => Both::new("星期三", "Wednesday"),
        "thu" => Both::new("星期四", "Thursday"),
        "fri" => Both::new("星期五", "Friday"),
        "sat" => Both::new("星期六", "Saturday"),
        _ => Both::new("星期日", "Sunday"),
    }
}

#[derive(Template)]
#[template(path = "setup_hours.html")]
struct HoursPage {
    frame: Frame,
    origin: Origin,
    seen: Fingerprint,
    /// Key and spans of each day.
    week: Vec<(&'static str, String)>,
    holidays: Vec<HolidayForm>,
    workdays: Vec<WorkdayForm>,
    moment: Moment,
    /// The time that was asked, as its field has it.
    at: String,
}

impl HoursPage {
    fn day_name(&self, day: &str) -> &'static str {
        day_name(day).of(self.frame.tongue)
    }

    fn weekday(&self, day: &Weekday) -> &'static str {
        let key = DAYS.get(day.num_days_from_monday() as usize).copied().unwrap_or_default();
        self.day_name(key)
    }

    fn duty_name(&self, duty: &Duty) -> &'static str {
        duty_name(*duty).of(self.frame.tongue)
    }

    fn when(&self, at: &DateTime<FixedOffset>) -> String {
        use chrono::Datelike;
        format!("{} {}", self.weekday(&at.weekday()), at.format("%Y-%m-%d %H:%M"))
    }

    /// Until when it stays so.
    fn until(&self, at: &Option<DateTime<FixedOffset>>) -> String {
        match (at, self.frame.tongue) {
            (None, Tongue::Zh) => "一直如此".to_owned(),
            (None, Tongue::En) => "always".to_owned(),
            (Some(at), Tongue::Zh) => format!("至 {}", self.when(at)),
            (Some(at), Tongue::En) => format!("until {}", self.when(at)),
        }
    }

    fn why(&self, group: &Group) -> String {
        let text = match group.because {
            Because::Rostered => return self.until(&group.changes_at),
            Because::NoRoster => Both::new("没有排班：有此职责者全部振铃", "no roster: all who have the duty"),
            Because::RosterEmpty => {
                Both::new("此刻无人排班：有此职责者全部振铃", "nobody is on the roster: all who have the duty")
            }
            Because::RosterAway => {
                Both::new("排班者不在：有此职责者全部振铃", "those on the roster are out: all who have the duty")
            }
            Because::AllAway => Both::new("都不在，仍全部振铃", "all are out, and rung all the same"),
        };
        text.of(self.frame.tongue).to_owned()
    }

    fn warning(&self, warning: &MomentWarning) -> String {
        let zh = self.frame.tongue == Tongue::Zh;
        match warning {
            MomentWarning::Gap { duty, from, to } => {
                let (duty, from) = (self.duty_name(duty), self.when(from));
                let to = to.as_ref().map(|to| self.when(to));
                match (zh, to) {
                    (true, Some(to)) => format!("{duty}：{from} 至 {to} 无人排班"),
                    (true, None) => format!("{duty}：自 {from} 起 {GAP_DAYS} 天内无人排班"),
                    (false, Some(to)) => format!("{duty}: nobody is on the roster from {from} to {to}"),
                    (false, None) => format!("{duty}: nobody is on the roster from {from} on, for {GAP_DAYS} days"),
                }
            }
            MomentWarning::MoreGaps { duty, count } if zh => {
                format!("{}：{GAP_DAYS} 天内还有 {count} 段无人排班", self.duty_name(duty))
            }
            MomentWarning::MoreGaps { duty, count } => {
                format!("{}: {count} more such times within {GAP_DAYS} days", self.duty_name(duty))
            }
            MomentWarning::Nobody { duty } if zh => {
                format!("{}：没有任何人可以振铃，请在“人员”中指定", self.duty_name(duty))
            }
            MomentWarning::Nobody { duty } => {
                format!("{}: nobody can be rung at all; give somebody the duty under People", self.duty_name(duty))
            }
        }
    }
}

async fn hours(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let (file, origin) = file_of(&shared, Content::Hours).await?;
    let presences = shared.pool.read(|reader| Ok(Presences::new(reader.presences()?))).await?;
    let settings = &visitor.settings;
    let at = asked.time("at", settings.time_zone).unwrap_or(visitor.now);
    let staff = Staff {
        people: &settings.people,
        hours: &settings.hours,
        presences: &presences,
        time_zone: settings.time_zone,
    };
    let (holidays, workdays) = written_days(&file.text);
    let seen = file.fingerprint();
    let mut shown = page(&HoursPage {
        frame: Frame::of(&visitor, PATH).saying(asked.some("said")),
        origin,
        seen: seen.clone(),
        week: DAYS.iter().copied().zip(week_of(&file.text)).collect(),
        holidays,
        workdays,
        moment: Moment::of(staff, at),
        at: at.with_timezone(&settings.time_zone).format("%Y-%m-%dT%H:%M").to_string(),
    })?;
    // After a form only its section is taken from this page: the other forms stay with what is typed in them, and learn here
    // what the file is now.
    let now = serde_json::json!({ "seen": { "version": seen.as_str() } }).to_string();
    if let Ok(now) = HeaderValue::try_from(now) {
        shown.headers_mut().insert("hx-trigger", now);
    }
    Ok(shown)
}

fn seen(form: &Form) -> Fingerprint {
    Fingerprint::read(form.text("seen"))
}

async fn put_week(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let (seen, days) = (seen(&form), DAYS.map(|day| form.text(day).to_owned()));
    change(&shared, &visitor, "hours: the week".to_owned(), move |setup| setup.put_week(&seen, &days)).await?;
    done(PATH, "saved")
}

fn holiday_of(form: &Form) -> HolidayForm {
    let text = |name: &str| form.text(name).to_owned();
    HolidayForm { name: text("name"), from: text("from"), to: text("to"), open: text("open") }
}

fn workday_of(form: &Form) -> WorkdayForm {
    let text = |name: &str| form.text(name).to_owned();
    WorkdayForm { name: text("name"), date: text("date"), like: text("like") }
}

async fn add_holiday(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    holiday(&shared, &visitor, None, &form).await
}

async fn put_holiday(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(at): Path<usize>, form: Form) -> Paged {
    holiday(&shared, &visitor, Some(at), &form).await
}

/// The day that an entry began with when it was shown.
fn was(form: &Form) -> String {
    form.text("was").to_owned()
}

async fn holiday(shared: &Arc<Shared>, visitor: &Visitor, place: Option<usize>, form: &Form) -> Paged {
    let (seen, day, was) = (seen(form), holiday_of(form), was(form));
    let about = format!("hours: holiday {} {}", day.from, day.name);
    let at = move |setup: &Setup| {
        let at = place.map(|place| At { place, day: &was });
        setup.put_holiday(&seen, at, &day)
    };
    change(shared, visitor, about, at).await?;
    done(PATH, "saved")
}

async fn add_workday(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    workday(&shared, &visitor, None, &form).await
}

async fn put_workday(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(at): Path<usize>, form: Form) -> Paged {
    workday(&shared, &visitor, Some(at), &form).await
}

async fn workday(shared: &Arc<Shared>, visitor: &Visitor, place: Option<usize>, form: &Form) -> Paged {
    let (seen, day, was) = (seen(form), workday_of(form), was(form));
    let about = format!("hours: workday {} {}", day.date, day.name);
    let at = move |setup: &Setup| {
        let at = place.map(|place| At { place, day: &was });
        setup.put_workday(&seen, at, &day)
    };
    change(shared, visitor, about, at).await?;
    done(PATH, "saved")
}

async fn remove_holiday(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(place): Path<usize>,
    form: Form,
) -> Paged {
    let (seen, day) = (seen(&form), was(&form));
    let about = format!("hours: holiday {day} removed");
    change(&shared, &visitor, about, move |setup| setup.remove_holiday(&seen, At { place, day: &day })).await?;
    done(PATH, "removed")
}

async fn remove_workday(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(place): Path<usize>,
    form: Form,
) -> Paged {
    let (seen, day) = (seen(&form), was(&form));
    let about = format!("hours: workday {day} removed");
    change(&shared, &visitor, about, move |setup| setup.remove_workday(&seen, At { place, day: &day })).await?;
    done(PATH, "removed")
}

//! People: who can be asked for, where they are rung, and what they do.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::content::{Origin, change, file_of};
use crate::console::gate::Visitor;
use crate::console::pages::account::Said;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, done, page};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::people::Duty;
use crate::desk::presence::{Presences, Whereabouts};
use crate::desk::report::table::{Both, Tongue};
use crate::setup::{Content, Fingerprint, PersonForm, person_form};

const PATH: &str = "/setup/people";

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/people", get(list).post(add))
        .route("/setup/people/new", get(new))
        .route("/setup/people/{extension}", get(one).post(edit))
        .route("/setup/people/{extension}/remove", post(remove))
}

/// A duty's name.
pub fn duty_name(duty: Duty) -> Both {
    match duty {
        Duty::Receptionist => Both::new("前台接待", "Reception"),
        Duty::Emergency => Both::new("应急", "Emergencies"),
        Duty::Engineer => Both::new("维修", "Repairs"),
        Duty::Supervisor => Both::new("主管", "Supervision"),
    }
}

struct Row {
    extension: String,
    name: String,
    department: String,
    duty: String,
    places: Vec<String>,
    presence: Whereabouts,
}

#[derive(Template)]
#[template(path = "setup_people.html")]
struct PeoplePage {
    frame: Frame,
    origin: Origin,
    rows: Vec<Row>,
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, Query(Said { said }): Query<Said>) -> Paged {
    let (_, origin) = file_of(&shared, Content::People).await?;
    let presences = shared.pool.read(|reader| Ok(Presences::new(reader.presences()?))).await?;
    let (tongue, zone, now) = (visitor.tongue, visitor.settings.time_zone, visitor.now);
    let row = |person: &crate::desk::people::Person| Row {
        extension: person.extension.clone(),
        name: person.name.clone(),
        department: person.department.clone().unwrap_or_default(),
        duty: person.duty.iter().map(|duty| duty_name(*duty).of(tongue)).collect::<Vec<_>>().join(match tongue {
            Tongue::Zh => "、",
            Tongue::En => ", ",
        }),
        places: person.hunt.iter().map(|place| place.target.to_string()).collect(),
        presence: presences.of(person, zone, now).state,
    };
    let rows = visitor.settings.people.people().iter().map(row).collect();
    page(&PeoplePage { frame: Frame::of(&visitor, PATH).saying(said.as_deref()), origin, rows })
}

#[derive(Template)]
#[template(path = "setup_person.html")]
struct PersonPage {
    frame: Frame,
    origin: Origin,
    form: PersonForm,
    duties: &'static [Duty],
    /// None for a new person.
    seen: Option<Fingerprint>,
}

impl PersonPage {
    fn duty_name(&self, duty: &Duty) -> &'static str {
        duty_name(*duty).of(self.frame.tongue)
    }
}

async fn new(State(shared): State<Arc<Shared>>, visitor: Visitor) -> Paged {
    let (_, origin) = file_of(&shared, Content::People).await?;
    let title = Both::new("新人员", "New person").of(visitor.tongue).to_owned();
    let form = PersonForm { present: true, ..PersonForm::default() };
    page(&PersonPage { frame: Frame::new(&visitor, title), origin, form, duties: Duty::ALL, seen: None })
}

async fn one(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(extension): Path<String>) -> Paged {
    let (file, origin) = file_of(&shared, Content::People).await?;
    let Some((form, seen)) = person_form(&file.text, &extension) else {
        let what = Both::new("通讯录里没有这个分机", "nobody has this extension").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::NOT_FOUND, what).into());
    };
    let title = Both::new("人员", "Person").of(visitor.tongue);
    let frame = Frame::new(&visitor, format!("{title} {}", form.extension));
    page(&PersonPage { frame, origin, form, duties: Duty::ALL, seen: Some(seen) })
}

fn read(form: &Form) -> PersonForm {
    PersonForm {
        extension: form.text("extension").to_owned(),
        name: form.text("name").to_owned(),
        pinyin: form.text("pinyin").to_owned(),
        department: form.text("department").to_owned(),
        hunt: form.text("hunt").to_owned(),
        duty: form.all("duty").iter().filter_map(|word| word.parse().ok()).collect(),
        present: form.ticked("present"),
        do_not_disturb: form.ticked("do_not_disturb"),
        number_may_be_given: form.ticked("number_may_be_given"),
        email: form.text("email").to_owned(),
        language: form.text("language").to_owned(),
    }
}

async fn add(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let person = read(&form);
    let about = format!("people: {} added", person.extension);
    change(&shared, &visitor, about, move |setup| setup.add_person(&person)).await?;
    done(PATH, "saved")
}

async fn edit(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(extension): Path<String>, form: Form) -> Paged {
    let (person, seen) = (read(&form), Fingerprint::read(form.text("seen")));
    let about = format!("people: {extension} changed");
    change(&shared, &visitor, about, move |setup| setup.change_person(&extension, &seen, &person)).await?;
    done(PATH, "saved")
}

async fn remove(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(extension): Path<String>,
    form: Form,
) -> Paged {
    let seen = Fingerprint::read(form.text("seen"));
    let about = format!("people: {extension} removed");
    change(&shared, &visitor, about, move |setup| setup.remove_person(&extension, &seen)).await?;
    done(PATH, "removed")
}

//! Lines and telephones, with how it is with each now (R1). They are changed at the machine: their files hold passwords.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::content::look;
use crate::console::gate::Visitor;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, page};
use crate::console::shared::Shared;
use crate::desk::phones::RegisteredPhone;
use crate::desk::trunk_state::{TrunkState, TrunkWord};

const PATH: &str = "/setup/lines";

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(lines))
}

/// An account, and the telephones that are registered with it.
struct Row {
    user: String,
    /// Extension and name of whose phone it is.
    person: Option<(String, String)>,
    registered: Vec<RegisteredPhone>,
}

#[derive(Template)]
#[template(path = "setup_lines.html")]
struct LinesPage {
    frame: Frame,
    trunks: Vec<TrunkWord>,
    phones: Vec<Row>,
    /// The line answers.
    answers: bool,
    trunks_file: Option<String>,
    phones_file: Option<String>,
}

impl LinesPage {
    fn state(&self, state: &TrunkState) -> (&'static str, &'static str) {
        match state {
            TrunkState::Up => ("green", self.frame.say("正常", "up")),
            TrunkState::Down => ("red", self.frame.say("中断", "down")),
            TrunkState::Starting => ("amber", self.frame.say("正在连接", "starting")),
            TrunkState::Left => ("", self.frame.say("已停用", "left")),
        }
    }

    /// Minutes, or seconds below one.
    fn left(&self, seconds: &u64) -> String {
        match (*seconds >= 60, self.frame.say("zh", "en")) {
            (true, "zh") => format!("{} 分钟", seconds / 60),
            (true, _) => format!("{} min", seconds / 60),
            (false, "zh") => format!("{seconds} 秒"),
            (false, _) => format!("{seconds} s"),
        }
    }
}

async fn lines(State(shared): State<Arc<Shared>>, visitor: Visitor) -> Paged {
    let registered = shared.daemon.phones().await;
    let answers = registered.is_some();
    let mut registered = registered.unwrap_or_default();
    registered.sort_by(|a, b| (&a.user, &a.contact).cmp(&(&b.user, &b.contact)));
    let trunks = shared.pool.read(|reader| Ok(reader.trunks()?)).await?;
    let people = Arc::clone(&visitor.settings.people);
    let (phones, trunks_file, phones_file) = look(&shared, move |setup| {
        let site = setup.site();
        let row = |phone: &crate::desk::phones::Phone| Row {
            user: phone.user.clone(),
            person: phone.extension.as_ref().map(|extension| {
                let name = people.person(extension).map_or_else(String::new, |person| person.name.clone());
                (extension.clone(), name)
            }),
            registered: registered.iter().filter(|one| one.user == phone.user).cloned().collect(),
        };
        let (trunks, phones) = setup.files_of_lines();
        Ok((site.phones.phones().iter().map(row).collect(), trunks, phones))
    })
    .await?;
    let frame = Frame::of(&visitor, PATH);
    page(&LinesPage { frame, trunks, phones, answers, trunks_file, phones_file })
}

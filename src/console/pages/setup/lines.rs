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
use crate::desk::report::table::Tongue;
use crate::desk::trunk_state::{TrunkState, TrunkWord};

const PATH: &str = "/setup/lines";

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(lines))
}

/// How the line's words for what is wrong with a trunk begin, and what they are in Chinese.
const WHY_DOWN: &[(&str, &str)] = &[
    ("its servers were not found", "找不到对方服务器：请检查域名、DNS，以及 [sip] listen 是否有相应的传输方式"),
    ("its servers can't be reached", "连接不上对方服务器：请检查地址、端口、防火墙和证书"),
    ("its servers do not answer", "对方服务器没有应答：请检查地址和防火墙，或联系运营商"),
    ("its server closed the connection", "对方服务器断开了连接"),
    ("it refuses our user or password", "对方不接受用户名或密码：请在 trunks.toml 中改正"),
    ("it asks for a password in a way", "对方要求的密码验证方式无法识别：请联系运营商"),
    ("its registration could not be renewed", "注册没有及时续上"),
];

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

    /// Why a trunk is down, as the line wrote it down.
    fn note(&self, note: &str) -> String {
        match self.frame.tongue {
            Tongue::En => note.to_owned(),
            Tongue::Zh => WHY_DOWN.iter().find(|(en, _)| note.starts_with(en)).map_or_else(
                || match note.strip_prefix("it refuses us with ").and_then(|rest| rest.split(':').next()) {
                    Some(status) => format!("对方以 {status} 拒绝：请联系运营商"),
                    None => note.to_owned(),
                },
                |(_, zh)| (*zh).to_owned(),
            ),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The line's own words are in `sip`, which no page may use: their file is read.
    #[test]
    fn every_word_of_the_line_for_a_trunk_that_is_down_has_its_chinese() {
        let words = include_str!("../../../sip/trunk/standing.rs");
        for (en, _) in WHY_DOWN {
            assert!(words.contains(en), "{en}");
        }
        assert!(words.contains("it refuses us with {status}: "));
        let told = words.matches("f.write_str(").count() + words.matches("write!(f, ").count();
        assert_eq!(told, WHY_DOWN.len() + 1);
    }
}

//! Who a browser is: sessions by cookie, and what opens one.
//!
//! A cookie reads `ID_SECRET`: the session's row, and 256 bits of chance that are renewed every half hour. Only the
//! secret's SHA-256 is kept. What changes something carries the session's CSRF token in a header besides, which no page of
//! another site can send. Passwords are checked two at a time, so that nobody can fill the machine with guesses.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use rand::Rng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::DeskSettings;
use super::problem::ProblemDetails;
use super::shared::Shared;
use super::tries::Tries;
use crate::desk::account::session::{CsrfToken, Session, SessionRules};
use crate::desk::account::{User, UserId};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::privacy::{Role, Sight, Surface};
use crate::desk::report::table::{Both, Tongue};
use crate::desk::secret_hash::{SALT_BYTES, SecretHash};
use crate::desk::token::{ApiToken, TokenSecret};
use crate::store::Changer;
use crate::types::Redacted;

/// What changes something carries the session's token here.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Passwords that are checked at the same time: 19 MiB and tens of milliseconds each.
const HASHING_MAX: usize = 2;
/// Whoever waits for longer than this to have a password checked is told to come again.
const HASHING_WITHIN: Duration = Duration::from_secs(5);
/// Seconds after which they may.
const HASHING_AGAIN_S: u16 = 5;
/// Who has shown a password and has yet to show a code, for so long and with so many tries.
const CODE_WITHIN: Duration = Duration::from_secs(300);
const CODES_MAX: u32 = 5;
const PENDING_MAX: usize = 200;
/// Bytes of what a browser calls itself that are kept.
const AGENT_MAX: usize = 200;

/// Settings of `[console]` that hold until the daemon ends.
#[derive(Debug, Clone, Default)]
pub struct GateOptions {
    pub sessions: SessionRules,
    /// Whose word on whom they speak for is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The daemon itself speaks HTTPS.
    pub tls: bool,
}

pub struct Gate {
    pub options: GateOptions,
    /// Wrong passwords, codes and links of late.
    pub tries: Tries,
    hashing: Arc<Semaphore>,
    pending: Mutex<Vec<Pending>>,
}

/// Somebody whose password was right, and whose code is waited for.
struct Pending {
    secret: String,
    user: UserId,
    until: Instant,
    tries: u32,
}

/// From where a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub address: IpAddr,
    /// Over HTTPS as far as the browser goes.
    pub secure: bool,
}

/// Whoever is signed in, for one request.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub user: User,
    pub session: Session,
    pub origin: Origin,
    pub settings: Arc<DeskSettings>,
    pub tongue: Tongue,
    pub now: DateTime<Utc>,
}

impl Visitor {
    /// Who does it, for histories.
    pub fn who(&self) -> &str {
        &self.user.name
    }

    pub fn may(&self, least: Role) -> bool {
        self.user.role >= least
    }

    /// How a surface shows callers to them (R12).
    pub fn sight(&self, surface: Surface) -> Sight<'_> {
        Sight { role: self.user.role, surface, who: Some(self.user.as_owner()) }
    }

    /// `console 192.0.2.7`, for the audit log.
    pub fn place(&self) -> String {
        format!("console {}", self.origin.address)
    }

    /// What is written down of them (R12).
    pub fn entry(&self, what: Deed, about: &str) -> AuditEntry {
        let (who, about) = (self.who().to_owned(), about.to_owned());
        AuditEntry { at: self.now, who, what, about, from_where: self.place() }
    }

    pub fn changer<'a>(&'a self, from_where: &'a str) -> Changer<'a> {
        Changer { who: self.who(), from_where, at: self.now }
    }

    /// As the API knows whoever asks it. Ids below zero are no token's.
    pub fn as_token(&self) -> ApiToken {
        ApiToken {
            id: -self.user.id.0,
            name: self.user.name.clone(),
            scopes: self.user.role.scopes(),
            role: self.user.role,
            made_at: self.session.began_at,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        }
    }
}

/// A visitor, and the cookie that they are to be sent.
pub struct Entered {
    pub visitor: Visitor,
    pub cookie: Option<HeaderValue>,
}

impl Gate {
    pub fn new(options: GateOptions) -> Self {
        Self {
            options,
            tries: Tries::default(),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            pending: Mutex::default(),
        }
    }

    /// From where a request came: what a trusted proxy says of it, else the connection's own.
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Origin {
        let trusted = |address: &IpAddr| {
            let address = address.to_canonical();
            self.options.trusted_proxies.iter().any(|network| network.contains(&address))
        };
        let own = Origin { address: peer.to_canonical(), secure: self.options.tls };
        if !trusted(&peer) {
            return own;
        }
        let texts = |name: &str| -> Vec<String> {
            // What stands in front of the proxy's own word can be any bytes: it must not hide that word.
            let lines = headers.get_all(name).into_iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
            lines.flat_map(|line| line.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>()).collect()
        };
        // The last one who is no proxy of ours; what stands before it could be made up.
        let hops = texts("x-forwarded-for");
        let mut hops = hops.iter().rev().map_while(|hop| hop.parse::<IpAddr>().ok());
        let address = hops.find(|hop| !trusted(hop)).unwrap_or(own.address).to_canonical();
        let secure = texts("x-forwarded-proto").last().map_or(own.secure, |word| word.eq_ignore_ascii_case("https"));
        Origin { address, secure }
    }

    /// Room to check or make a password. Whoever checks one has it from before they look whether it may be tried until a
    /// wrong one is written down: guesses that come at once can't outrun the lock.
    ///
    /// # Errors
    /// 503 where there is none for too long.
    pub async fn hashing_room(&self) -> Result<HashingRoom, ProblemDetails> {
        let room = tokio::time::timeout(HASHING_WITHIN, Arc::clone(&self.hashing).acquire_owned()).await;
        room.ok().and_then(Result::ok).map(|permit| HashingRoom(Arc::new(permit))).ok_or_else(crowded)
    }

    /// The hash of a password.
    ///
    /// # Errors
    /// 503 where there is no room, or no memory.
    pub async fn hash(&self, password: Redacted<String>) -> Result<SecretHash, ProblemDetails> {
        let room = self.hashing_room().await?;
        let salt = random::<SALT_BYTES>();
        room.work(move || SecretHash::make(&password, &salt)).await.flatten().ok_or_else(crowded)
    }

    /// Waits for the code of somebody whose password was right; gives what their form carries.
    pub fn await_code(&self, user: UserId, now: Instant) -> String {
        let secret = secret().hex();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|one| now < one.until);
        if pending.len() >= PENDING_MAX {
            pending.remove(0);
        }
        pending.push(Pending { secret: secret.clone(), user, until: now + CODE_WITHIN, tries: 0 });
        secret
    }

    /// Whose code is waited for by that form; counts the try.
    pub fn code_of(&self, secret: &str, now: Instant) -> Option<UserId> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|one| now < one.until && one.tries < CODES_MAX);
        let one = pending.iter_mut().find(|one| one.secret == secret)?;
        one.tries += 1;
        Some(one.user)
    }

    pub fn code_was_right(&self, secret: &str) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.secret != secret);
    }
}

/// One of the places where passwords are checked.
pub struct HashingRoom(Arc<OwnedSemaphorePermit>);

impl HashingRoom {
    /// Whether a password is the one of this hash; without a hash it takes as long and is none.
    pub async fn verify(&self, hash: Option<SecretHash>, password: Redacted<String>) -> bool {
        self.work(move || SecretHash::verify(hash.as_ref(), &password)).await.unwrap_or(false)
    }

    /// Works on a thread that keeps the place until it is done, also where whoever asked is gone.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = Arc::clone(&self.0);
        let worked = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        worked.await.ok()
    }
}

fn crowded() -> ProblemDetails {
    ProblemDetails::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Both::new("现在登录的人太多：请稍等几秒再试", "too many sign in at once: wait some seconds and try again"),
    )
    .with(header::RETRY_AFTER, HASHING_AGAIN_S)
}

/// The session that a request's cookie opens. Where it is time and the answer can carry a cookie (`renews`), its secret is
/// renewed.
///
/// # Errors
/// When the database can't be had.
pub async fn enter(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    origin: Origin,
    now: DateTime<Utc>,
    renews: bool,
) -> Result<Option<Entered>, ProblemDetails> {
    let Some((id, shown)) = shown(headers, origin) else { return Ok(None) };
    let rules = shared.gate.options.sessions;
    let hash = shown.hash();
    let found = shared.pool.read(move |reader| Ok(reader.session(id, &hash, rules, now)?)).await?;
    let Some((session, user, before)) = found else { return Ok(None) };
    let mut cookie = None;
    if renews && session.to_be_renewed(before, now) {
        let new = secret();
        let new_hash = new.hash();
        let clocks = Arc::clone(&shared.access.settings().clocks);
        let renewed = shared
            .pool
            .edit(clocks, move |e| Ok(e.renew_session(id, (&hash, &new_hash), session.renewed_at, now)?))
            .await;
        // A desk that can't write this down goes on with the secret that there is; the pool has logged why.
        if renewed.unwrap_or(false) {
            cookie = Some(cookie_of(id, &new, origin));
        }
    } else {
        let taken = !before && session.taken_at.is_none();
        if taken || session.to_be_seen(now) {
            let clocks = Arc::clone(&shared.access.settings().clocks);
            let _ = shared.pool.edit(clocks, move |e| Ok(e.session_seen(id, taken, rules, now)?)).await;
        }
    }
    let settings = shared.access.settings();
    let tongue = tongue(user.lang.as_deref(), headers);
    Ok(Some(Entered { visitor: Visitor { user, session, origin, settings, tongue, now }, cookie }))
}

/// Whether a change carries what only the session's own pages know.
pub fn has_csrf_token(session: &Session, headers: &HeaderMap) -> bool {
    headers.get(CSRF_HEADER).and_then(|token| token.to_str().ok()).is_some_and(|token| session.csrf.is(token))
}

/// The language of somebody's pages: their own choice, else the cookie of this browser, else what it asks for.
pub fn tongue(chosen: Option<&str>, headers: &HeaderMap) -> Tongue {
    let asked = || {
        let line = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        line.split(',').find_map(|part| part.trim().get(..2)?.to_ascii_lowercase().parse().ok())
    };
    let chosen = chosen.and_then(|lang| lang.parse().ok());
    let kept = || cookie(headers, LANG_COOKIE).and_then(|lang| lang.parse().ok());
    chosen.or_else(kept).or_else(asked).unwrap_or(Tongue::Zh)
}

/// Remembers the language of a browser before anybody is signed in.
pub const LANG_COOKIE: &str = "frontdesk_lang";

pub const fn cookie_name(secure: bool) -> &'static str {
    // The prefix binds it to this host over HTTPS (RFC 6265bis section 4.1.3.2).
    if secure { "__Host-frontdesk" } else { "frontdesk" }
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (own, value) = pair.trim().split_once('=')?;
        (own == name).then_some(value)
    })
}

fn shown(headers: &HeaderMap, origin: Origin) -> Option<(i64, TokenSecret)> {
    let (id, secret) = cookie(headers, cookie_name(origin.secure))?.split_once('_')?;
    let id: i64 = id.parse().ok().filter(|id| *id > 0)?;
    Some((id, TokenSecret::of_hex(secret)?))
}

/// Sets the session's cookie: for this host, no script, and no form of another site.
pub fn cookie_of(id: i64, secret: &TokenSecret, origin: Origin) -> HeaderValue {
    let name = cookie_name(origin.secure);
    let secure = if origin.secure { "; Secure" } else { "" };
    let text = format!("{name}={id}_{}; Path=/; HttpOnly; SameSite=Lax{secure}", secret.hex());
    HeaderValue::try_from(text).expect("digits and letters")
}

/// Takes the session's cookie away.
pub fn no_cookie(origin: Origin) -> HeaderValue {
    let name = cookie_name(origin.secure);
    let secure = if origin.secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}")).expect("letters")
}

/// What the browser calls itself.
pub fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.chars().take(AGENT_MAX).collect()
}

/// 256 bits of chance.
pub fn secret() -> TokenSecret {
    TokenSecret::new(random())
}

pub fn csrf() -> CsrfToken {
    CsrfToken(random())
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut chance = [0; N];
    rand::rng().fill_bytes(&mut chance);
    chance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_speaks() {
        let proxies = vec!["10.0.0.0/8".parse().expect("a network")];
        let gate = Gate::new(GateOptions { trusted_proxies: proxies, ..GateOptions::default() });
        let said = headers(&[("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.7"), ("x-forwarded-proto", "https")]);
        let origin = |peer: &str, headers: &HeaderMap| gate.origin(ip(peer), headers);
        assert_eq!(origin("10.1.2.3", &said), Origin { address: ip("203.0.113.9"), secure: true });
        assert_eq!(origin("::ffff:10.1.2.3", &said), Origin { address: ip("203.0.113.9"), secure: true });
        assert_eq!(origin("192.0.2.1", &said), Origin { address: ip("192.0.2.1"), secure: false });
        let odd = headers(&[("x-forwarded-for", "203.0.113.9, <script>")]);
        assert_eq!(origin("10.1.2.3", &odd), Origin { address: ip("10.1.2.3"), secure: false });
        let mut bytes = HeaderMap::new();
        let line = HeaderValue::from_bytes(b"1.2.3.4\xff\xe9, 203.0.113.9").expect("a value");
        bytes.insert("x-forwarded-for", line);
        assert_eq!(origin("10.1.2.3", &bytes).address, ip("203.0.113.9"), "whoever asks can't hide behind odd bytes");
    }

    #[test]
    fn a_cookie_is_read_as_it_was_sent_and_is_its_schemes_own() {
        let secret = TokenSecret::new([0xa5; 32]);
        for secure in [false, true] {
            let origin = Origin { address: ip("192.0.2.1"), secure };
            let sent = cookie_of(7, &secret, origin);
            let sent = sent.to_str().expect("it is text");
            assert_eq!(sent.ends_with("; Secure"), secure);
            let pair = sent.split(';').next().expect("it has parts");
            let back = headers(&[("cookie", &format!("other=1; {pair}"))]);
            assert!(shown(&back, origin).is_some_and(|(id, back)| id == 7 && secret.hash().is_of(&back)));
            assert!(shown(&back, Origin { secure: !secure, ..origin }).is_none());
        }
        let origin = Origin { address: ip("192.0.2.1"), secure: false };
        for odd in ["frontdesk=", "frontdesk=7", "frontdesk=-7_00", "frontdesk=x_y", "frontdesk=7_zz"] {
            assert!(shown(&headers(&[("cookie", odd)]), origin).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_code_is_waited_for_a_while_and_a_few_times() {
        let (gate, now) = (Gate::new(GateOptions::default()), Instant::now());
        let form = gate.await_code(UserId(3), now);
        assert_eq!(gate.code_of("another", now), None);
        for _ in 0..CODES_MAX {
            assert_eq!(gate.code_of(&form, now), Some(UserId(3)));
        }
        assert_eq!(gate.code_of(&form, now), None, "too many tries");
        let form = gate.await_code(UserId(3), now);
        assert_eq!(gate.code_of(&form, now + CODE_WITHIN), None, "too late");
        let form = gate.await_code(UserId(3), now);
        gate.code_was_right(&form);
        assert_eq!(gate.code_of(&form, now), None, "it opened before");
    }

    #[test]
    fn the_language_is_chosen_kept_or_asked_for() {
        let asked = headers(&[("accept-language", "fr, en-US;q=0.8, zh;q=0.5")]);
        assert_eq!(tongue(None, &asked), Tongue::En);
        assert_eq!(tongue(Some("zh"), &asked), Tongue::Zh);
        let kept = headers(&[("accept-language", "en"), ("cookie", "frontdesk_lang=zh")]);
        assert_eq!(tongue(None, &kept), Tongue::Zh);
        assert_eq!(tongue(None, &headers(&[])), Tongue::Zh);
    }
}

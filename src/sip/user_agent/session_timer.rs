//! How long a session may last without a sign of life, and who gives it (RFC 4028). Pure: what the headers say, what is
//! agreed on, and when something is due. What is sent: `refresh`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::sip::wire::{Headers, Name};
use crate::types::Mono;

/// No interval is shorter (RFC 4028 section 4).
pub(super) const LEAST_S: u32 = 90;
/// How often one side may ask the other for a longer interval before it is given up.
const RAISES_MAX: u8 = 3;
/// A refresh that could not go out or was refused for the moment is tried again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Who of the two refreshes, by the roles in the request that the header stands in or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresher {
    Uac,
    Uas,
}

/// `Session-Expires`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionExpires {
    pub interval_s: u32,
    pub refresher: Option<Refresher>,
}

/// What the settings say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The interval that we ask for; 0: none, unless the peer asks.
    pub expires_s: u32,
    /// The shortest that we agree to, at least 90.
    pub min_se_s: u32,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { expires_s: 1_800, min_se_s: LEAST_S }
    }
}

/// What a request says of its session's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub expires: Option<SessionExpires>,
    pub min_se_s: Option<u32>,
    /// The peer itself knows session timers; without that the header comes from a proxy.
    pub supported: bool,
}

pub(super) fn session_expires() -> Name {
    Name::Other("Session-Expires".to_owned())
}

pub(super) fn min_se() -> Name {
    Name::Other("Min-SE".to_owned())
}

/// A header that can't be read counts as none.
pub(super) fn expires_of(headers: &Headers) -> Option<SessionExpires> {
    headers.first(&session_expires())?.parse().ok()
}

impl Asked {
    pub fn of(headers: &Headers) -> Asked {
        let supported = headers.has_token(&Name::Supported, "timer") || headers.has_token(&Name::Require, "timer");
        Asked { expires: expires_of(headers), min_se_s: headers.seconds(&min_se()), supported }
    }
}

impl SessionPolicy {
    fn floor_s(&self) -> u32 {
        self.min_se_s.max(LEAST_S)
    }

    /// What our INVITE asks for.
    pub(super) fn wanted_s(&self) -> Option<u32> {
        (self.expires_s > 0).then(|| self.expires_s.max(self.floor_s()))
    }

    /// What our own requests and 422s call the least; requests leave it out where it is what everybody agrees to.
    pub(super) fn min_se_s(&self) -> u32 {
        self.floor_s()
    }

    /// Whether a request is answered 422. Only a peer that knows session timers can be told (RFC 4028 section 9).
    pub(super) fn is_too_small(&self, asked: &Asked) -> bool {
        asked.supported && asked.expires.is_some_and(|expires| expires.interval_s < self.floor_s())
    }

    /// What a 2xx of ours says (RFC 4028 section 9, table 2). `we_refresh` is how it was until now. Where nobody says who, we
    /// refresh: a peer that has vanished is noticed at half the time then. A peer that does not know session timers and does
    /// not ask for one has none.
    pub(super) fn answer(&self, asked: &Asked, we_refresh: Option<bool>) -> Option<SessionExpires> {
        let least = asked.min_se_s.unwrap_or(LEAST_S).max(LEAST_S);
        let interval_s = match asked.expires {
            // A proxy's value that nobody may ask for, towards a peer that can't be told so.
            Some(expires) if expires.interval_s < LEAST_S => return None,
            Some(expires) => {
                let ours = self.wanted_s().unwrap_or(u32::MAX).max(least);
                expires.interval_s.min(ours)
            }
            None if asked.supported => self.wanted_s()?.max(least),
            None => return None,
        };
        let refresher = match (asked.supported, asked.expires.and_then(|expires| expires.refresher), we_refresh) {
            (false, ..) | (true, None, None | Some(true)) => Refresher::Uas,
            (true, Some(refresher), _) => refresher,
            (true, None, Some(false)) => Refresher::Uac,
        };
        Some(SessionExpires { interval_s, refresher: Some(refresher) })
    }
}

/// The session timer of an answered call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionTimer {
    interval_s: u32,
    we_refresh: bool,
    /// When our next refresh goes out; none while one is under way, and none where the peer refreshes.
    refresh_at: Option<Mono>,
    /// When the call is hung up because no refresh came.
    bye_at: Mono,
    /// The peer's least, once it has told.
    min_se_s: Option<u32>,
    raises: u8,
}

/// What time has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Refresh,
    Expired,
}

impl SessionTimer {
    /// From the 2xx on. A refresher refreshes at half the interval; BYE is due the lesser of 32 s and a third of the
    /// interval before its end (RFC 4028 section 10).
    pub fn start(now: Mono, interval_s: u32, we_refresh: bool) -> SessionTimer {
        let interval_s = interval_s.max(LEAST_S);
        let early_s = (interval_s / 3).min(32);
        SessionTimer {
            interval_s,
            we_refresh,
            refresh_at: we_refresh.then(|| now + Duration::from_secs((interval_s / 2).into())),
            bye_at: now + Duration::from_secs((interval_s - early_s).into()),
            min_se_s: None,
            raises: 0,
        }
    }

    pub fn we_refresh(&self) -> bool {
        self.we_refresh
    }

    /// What a request of ours within the call says: whoever refreshes now goes on to.
    pub fn to_say(&self) -> SessionExpires {
        let refresher = if self.we_refresh { Refresher::Uac } else { Refresher::Uas };
        SessionExpires { interval_s: self.interval_s, refresher: Some(refresher) }
    }

    pub fn min_se_s(&self) -> Option<u32> {
        self.min_se_s
    }

    pub fn deadline(&self) -> Mono {
        self.refresh_at.map_or(self.bye_at, |at| at.min(self.bye_at))
    }

    pub fn due(&mut self, now: Mono) -> Due {
        if self.bye_at <= now {
            return Due::Expired;
        }
        match self.refresh_at.take_if(|at| *at <= now) {
            Some(_) => Due::Refresh,
            None => Due::Nothing,
        }
    }

    /// Our refresh did not go through; there is time left for another, or the call ends with the interval.
    pub fn try_again(&mut self, now: Mono) {
        if self.we_refresh {
            self.refresh_at = Some(now + AGAIN_AFTER);
        }
    }

    /// It can be had in another way.
    pub fn try_at_once(&mut self, now: Mono) {
        if self.we_refresh {
            self.refresh_at = Some(now);
        }
    }

    /// 422 to our refresh: the next one, at once, asks for what the peer wants. It may want more only a few times.
    pub fn raise(&mut self, now: Mono, least_s: u32) {
        if least_s <= self.interval_s || self.raises >= RAISES_MAX {
            return self.try_again(now);
        }
        self.raises += 1;
        (self.interval_s, self.min_se_s) = (least_s, Some(least_s));
        self.refresh_at = Some(now);
    }
}

impl FromStr for SessionExpires {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(';').map(str::trim);
        let digits = parts.next().unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        // What does not fit is as good as for ever.
        let interval_s = digits.parse().unwrap_or(u32::MAX).min(86_400 * 365);
        let mut refresher = None;
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            if name.trim().eq_ignore_ascii_case("refresher") {
                refresher = match value.trim().to_ascii_lowercase().as_str() {
                    "uac" => Some(Refresher::Uac),
                    "uas" => Some(Refresher::Uas),
                    _ => None,
                };
            }
        }
        Ok(SessionExpires { interval_s, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval_s)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(expires: &str, supported: bool) -> Asked {
        Asked { expires: expires.parse().ok(), min_se_s: None, supported }
    }

    #[test]
    fn the_header_is_read_as_it_is_written_and_garbage_is_none() {
        for text in ["1800", "90;refresher=uac", "3600;refresher=uas"] {
            assert_eq!(text.parse::<SessionExpires>().unwrap().to_string(), text);
        }
        let odd: SessionExpires = "1800 ; x=1; Refresher = UAS".parse().unwrap();
        assert_eq!(odd.to_string(), "1800;refresher=uas");
        assert!("99999999999999999999".parse::<SessionExpires>().is_ok());
        for bad in ["", ";refresher=uac", "-1", "soon", "18a"] {
            assert!(bad.parse::<SessionExpires>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_refresher_is_chosen_by_table_2() {
        let policy = SessionPolicy::default();
        let answer = |expires, supported, now| policy.answer(&asked(expires, supported), now).map(|e| e.to_string());
        for (expires, supported, before, wanted) in [
            ("1200;refresher=uac", true, None, "1200;refresher=uac"),
            ("1200;refresher=uas", true, None, "1200;refresher=uas"),
            ("1200", true, None, "1200;refresher=uas"),
            ("1200", true, Some(false), "1200;refresher=uac"),
            ("1200", false, None, "1200;refresher=uas"),
            ("9000", true, None, "1800;refresher=uas"),
            ("", true, None, "1800;refresher=uas"),
        ] {
            assert_eq!(answer(expires, supported, before).as_deref(), Some(wanted), "{expires} {supported} {before:?}");
        }
        assert_eq!(answer("30", false, None), None);
        assert_eq!(answer("", false, None), None);
    }

    #[test]
    fn the_peers_least_is_kept_and_ours_is_told() {
        let policy = SessionPolicy { expires_s: 300, min_se_s: 200 };
        let long = Asked { min_se_s: Some(600), ..asked("900", true) };
        assert_eq!(policy.answer(&long, None).unwrap().interval_s, 600);
        assert!(policy.is_too_small(&asked("199", true)));
        assert!(!policy.is_too_small(&asked("200", true)));
        assert!(!policy.is_too_small(&asked("199", false)));
        let off = SessionPolicy { expires_s: 0, min_se_s: 90 };
        assert_eq!(off.answer(&asked("", true), None), None);
        assert_eq!(off.answer(&asked("600", true), None).unwrap().interval_s, 600);
    }

    #[test]
    fn a_refresh_is_due_at_half_time_and_the_end_before_the_end() {
        let at = Mono::from_millis;
        let mut ours = SessionTimer::start(at(0), 90, true);
        assert_eq!(ours.deadline(), at(45_000));
        assert_eq!(ours.due(at(45_000)), Due::Refresh);
        assert_eq!((ours.due(at(45_000)), ours.deadline()), (Due::Nothing, at(60_000)));
        assert_eq!(ours.due(at(60_000)), Due::Expired);
        let theirs = SessionTimer::start(at(0), 1_800, false);
        assert_eq!(theirs.deadline(), at(1_768_000));
    }

    #[test]
    fn a_peer_may_want_longer_intervals_only_so_often() {
        let at = Mono::from_millis;
        let mut timer = SessionTimer::start(at(0), 90, true);
        for least in [100, 200, 300] {
            assert_eq!(timer.due(at(45_000)), Due::Refresh);
            timer.raise(at(45_000), least);
            assert_eq!((timer.to_say().interval_s, timer.min_se_s()), (least, Some(least)));
        }
        timer.due(at(45_000));
        timer.raise(at(45_000), 400);
        assert_eq!((timer.to_say().interval_s, timer.deadline()), (300, at(55_000)));
    }
}

//! How long a trunk waits before it tries again. Servers that are away are asked often, so that the line is back soon after
//! them; those that refuse us are left in peace, so that no account is locked.

use std::time::Duration;

use super::Why;
use crate::types::Random;

/// First and longest wait for servers that can't be reached or don't answer: with jitter and a connection's time they are
/// back on the line within ten seconds of their return.
const AWAY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(6));
/// For servers that are there and can't serve us now.
const BUSY: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(60));
/// For those that will not have us.
const REFUSED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1800));
/// Beyond it a Retry-After is not followed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// `failures` in a row before this one; a quarter more or less by chance, so that a building's lines don't come at once.
pub(super) fn wait(why: &Why, failures: u32, retry_after_s: Option<u32>, random: &mut Random) -> Duration {
    let (first, longest) = match why {
        Why::NoAddress | Why::Unreachable | Why::Silent | Why::ConnectionLost | Why::Expired => AWAY,
        Why::Refused(_) if !why.needs_people() => BUSY,
        Why::WrongPassword | Why::OddChallenge | Why::Refused(_) => REFUSED,
    };
    let wait = first.saturating_mul(1 << failures.min(12)).min(longest);
    let asked = Duration::from_secs(retry_after_s.unwrap_or(0).into()).min(RETRY_AFTER_MAX);
    jittered(wait, random).max(asked)
}

/// Between three and five quarters of it.
fn jittered(wait: Duration, random: &mut Random) -> Duration {
    wait.mul_f64(0.75 + 0.5 * share(random))
}

/// When a registration of that length is renewed: between three and five sixths of it.
pub(super) fn refresh_after(granted: Duration, random: &mut Random) -> Duration {
    granted.mul_f64(0.6 + 0.2 * share(random))
}

/// Evenly from 0 to 1.
fn share(random: &mut Random) -> f64 {
    f64::from(random.u32()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_is_asked_often_and_who_refuses_is_left_in_peace() {
        let mut random = Random::for_testing(1);
        for failures in 0..10_000 {
            let away = wait(&Why::Unreachable, failures, None, &mut random);
            assert!(away >= Duration::from_millis(375) && away <= Duration::from_millis(7_500), "{away:?}");
            let refused = wait(&Why::WrongPassword, failures, None, &mut random);
            assert!(refused >= Duration::from_secs(45), "{refused:?}");
            assert!(refused <= Duration::from_secs(2250), "{refused:?}");
        }
        assert!(wait(&Why::Refused(403), 20, None, &mut random) >= Duration::from_secs(1350));
        assert!(wait(&Why::Refused(500), 20, None, &mut random) <= Duration::from_secs(75));
    }

    #[test]
    fn a_wish_to_be_left_alone_is_followed_within_reason() {
        let mut random = Random::for_testing(1);
        assert_eq!(wait(&Why::Refused(503), 0, Some(120), &mut random), Duration::from_secs(120));
        assert_eq!(wait(&Why::Refused(503), 0, Some(1 << 30), &mut random), RETRY_AFTER_MAX);
    }

    #[test]
    fn a_registration_is_renewed_well_before_its_end_and_not_always_at_the_same_time() {
        let mut random = Random::for_testing(1);
        let times: Vec<Duration> = (0..50).map(|_| refresh_after(Duration::from_secs(100), &mut random)).collect();
        assert!(times.iter().all(|t| *t >= Duration::from_secs(60) && *t <= Duration::from_secs(80)), "{times:?}");
        assert!(times.iter().max().unwrap().as_secs() > times.iter().min().unwrap().as_secs() + 10);
    }
}

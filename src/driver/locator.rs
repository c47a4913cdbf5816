//! Finds the servers of URIs beside the SIP thread's work: `sip::locate` says what to ask, the resolver asks.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::line::{Line, Shared};
use super::own_address;
use super::resolver::Resolver;
use crate::call::io::{Asker, Input};
use crate::sip::locate::{Answer, Locating, Question, Reachable, Step, Target};
use crate::sip::wire::Uri;
use crate::types::{Mono, Random};

/// URIs whose servers are being found; one more has none, at once.
pub(super) const LOCATING_MAX: usize = 1024;
/// Each of the three turns at most, and all of them: the caller waits.
const TURN_MAX: Duration = Duration::from_millis(2_500);
const LOCATE_MAX: Duration = Duration::from_secs(5);

/// Finds the servers of a URI and tells the exchange.
pub(super) async fn locate(line: Shared, asker: Asker, uri: Uri) {
    let (resolver, can, mut random, now) = {
        let mut guard = line.borrow_mut();
        (guard.resolver.clone(), guard.reachable.clone(), guard.random.fork(), guard.clock.mono())
    };
    let targets = find(&resolver, now, &uri, can, &mut random).await;
    // Of a trunk its standing tells, once.
    if targets.is_empty() && matches!(asker, Asker::Leg(_)) {
        let host = uri.host.as_ref().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(host, "no server of it was found that a listener leads to");
    }
    line.borrow_mut().locating -= 1;
    if matches!(asker, Asker::Trunk(_)) {
        own_address::learn(&line, &targets);
    }
    Line::input(&line, Input::Located { asker, targets });
}

async fn find(resolver: &Rc<Resolver>, now: Mono, uri: &Uri, can: Reachable, random: &mut Random) -> Vec<Target> {
    let until = Instant::now() + LOCATE_MAX;
    let mut locating = Locating::begin(uri, can);
    loop {
        match locating.step() {
            Step::Found(targets) => return targets,
            Step::Ask(questions) => {
                let answers = ask_all(resolver, now, questions, until.min(Instant::now() + TURN_MAX)).await;
                locating.answered(answers, random);
            }
        }
    }
}

/// All at once; whoever has not answered by then has nothing to say.
async fn ask_all(resolver: &Rc<Resolver>, now: Mono, questions: Vec<Question>, until: Instant) -> Vec<Answer> {
    let asked: Vec<_> = questions.into_iter().map(|question| resolver.ask(now, question)).collect();
    let mut answers = Vec::with_capacity(asked.len());
    for mut asked in asked {
        let answer = match timeout_at(until, asked.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.clone(),
            Ok(Err(_)) | Err(_) => None,
        };
        answers.push(answer.unwrap_or(Answer::Nothing));
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::locate::Family;
    use crate::sip::wire::Transport;

    fn found(uri: &str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let can = Reachable(vec![(Transport::Udp, Family::V4), (Transport::Tcp, Family::V4)]);
        let uri = uri.parse().expect("a URI");
        let found = tokio::task::LocalSet::new().block_on(&runtime, async {
            find(&Rc::new(Resolver::new(&[])), Mono(0), &uri, can, &mut Random::for_testing(1)).await
        });
        found.into_iter().map(|target| format!("{} {}", target.transport, target.address)).collect()
    }

    #[test]
    fn the_systems_own_names_are_known() {
        assert_eq!(found("sip:201@localhost:5070"), ["UDP 127.0.0.1:5070"]);
        assert_eq!(found("sip:201@localhost:5070;transport=tcp"), ["TCP 127.0.0.1:5070"]);
        assert_eq!(found("sip:201@nobody.invalid"), Vec::<String>::new());
    }
}

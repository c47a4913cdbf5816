//! Whatever the network does, both sides come to the same end and forget the call.

use super::line::{OURS, SDP};
use super::pair::{Pair, Side, Weather};
use crate::sip::user_agent::*;

/// A call is set up, changed, used and ended over this network.
fn a_whole_call(weather: Weather, who_ends: Side) {
    let mut pair = Pair::new(weather);
    pair.call();
    assert!(pair.run(40_000, |p| p.legs[1].is_some()), "the call came in: {weather:?}");
    pair.run(1_000, |_| false);
    pair.command(Side::Desk, |ua, now, leg| ua.answer(now, leg, OURS.into())).unwrap();
    let up = |p: &Pair| {
        p.told(Side::Caller, |e| matches!(e, Event::Answered { .. }))
            && p.told(Side::Desk, |e| matches!(e, Event::Acked { .. }))
    };
    assert!(pair.run(31_000, up), "the call is up: {weather:?}: {:?}", pair.events);

    pair.command(Side::Caller, |ua, now, leg| ua.reinvite(now, leg, SDP.into())).unwrap();
    let changed = |p: &Pair| p.told(Side::Caller, |e| matches!(e, Event::ReinviteAnswered { .. }));
    assert!(pair.run(31_000, changed), "the re-INVITE is answered: {weather:?}: {:?}", pair.events);
    pair.run(31_000, |p| p.uas[1].legs.values().all(|leg| leg.unacked.is_none()));

    pair.command(Side::Caller, |ua, now, leg| ua.info(now, leg, "application/dtmf-relay", b"Signal=5".to_vec()))
        .unwrap();
    let info = |e: &Event| matches!(e, Event::Info { .. });
    assert!(pair.run(32_000, |p| p.told(Side::Desk, info)), "the INFO came: {weather:?}");
    pair.run(32_000, |p| p.uas[0].requests_out.is_empty());
    assert_eq!(pair.events[1].iter().filter(|e| info(e)).count(), 1, "the INFO is told once: {weather:?}");

    pair.command(who_ends, |ua, now, leg| ua.hang_up(now, leg)).unwrap();
    pair.run(200_000, |_| false);
    let other = if who_ends == Side::Caller { Side::Desk } else { Side::Caller };
    let ended = |e: &Event| matches!(e, Event::Ended { reason: EndReason::Bye, .. });
    assert!(pair.told(other, ended) && !pair.told(who_ends, ended), "one BYE was told: {weather:?}: {:?}", pair.events);
    assert!(pair.uas.iter().all(UserAgent::is_idle), "something is left: {weather:?}: {:#?}", pair.uas);
}

#[test]
fn calls_over_any_network_end_the_same_on_both_sides() {
    for loss_percent in [0, 10, 30] {
        for (delay_ms, jitter_ms) in [(0, 0), (20, 0), (60, 120), (150, 700)] {
            for seed in 0..12 {
                let weather = Weather { loss_percent, delay_ms, jitter_ms, seed };
                a_whole_call(weather, if seed % 2 == 0 { Side::Caller } else { Side::Desk });
            }
        }
    }
}

/// The caller gives up somewhere around the answer.
#[test]
fn a_call_given_up_around_its_answer_ends_on_both_sides() {
    for loss_percent in [0, 10, 30] {
        for seed in 0..60 {
            let weather = Weather { loss_percent, delay_ms: 50, jitter_ms: 100, seed };
            let mut pair = Pair::new(weather);
            pair.call();
            let gives_up_first = seed % 3 == 0;
            if !gives_up_first {
                assert!(pair.run(32_000, |p| p.legs[1].is_some()), "{weather:?}");
                // The call may have been given up by its caller's silence in between.
                let _ = pair.command(Side::Desk, |ua, now, leg| ua.answer(now, leg, OURS.into()));
                pair.run((seed * 7) % 160, |_| false);
            } else {
                pair.run(seed * 5, |_| false);
            }
            pair.command(Side::Caller, |ua, now, leg| ua.hang_up(now, leg)).unwrap();
            pair.run(300_000, |_| false);
            assert!(pair.uas.iter().all(UserAgent::is_idle), "something is left: {weather:?}: {:?}", pair.events);
            let failed = pair.told(Side::Caller, |e| matches!(e, Event::Failed { .. }));
            let answered = pair.told(Side::Caller, |e| matches!(e, Event::Answered { .. }));
            assert!(failed != answered, "the caller's call ended once: {weather:?}: {:?}", pair.events);
        }
    }
}

/// Both sides change the session at once, and once more when they have heard of each other.
#[test]
fn changes_that_cross_are_both_made_or_given_up() {
    for loss_percent in [0, 10] {
        for seed in 0..20 {
            let weather = Weather { loss_percent, delay_ms: 40, jitter_ms: 30, seed };
            let mut pair = Pair::up(weather);
            for side in [Side::Caller, Side::Desk] {
                pair.command(side, |ua, now, leg| ua.reinvite(now, leg, SDP.into())).unwrap();
            }
            let settled = |p: &Pair| {
                [Side::Caller, Side::Desk].into_iter().all(|side| {
                    p.told(side, |e| {
                        matches!(e, Event::ReinviteAnswered { .. } | Event::ReinviteFailed { status: 491, .. })
                    })
                })
            };
            assert!(pair.run(60_000, settled), "{weather:?}: {:?}", pair.events);
            let answered = |p: &Pair, side| p.told(side, |e| matches!(e, Event::ReinviteAnswered { .. }));
            assert!(answered(&pair, Side::Caller) || answered(&pair, Side::Desk), "{weather:?}: {:?}", pair.events);
            pair.run(40_000, |_| false);
            pair.command(Side::Desk, |ua, now, leg| ua.hang_up(now, leg)).unwrap();
            pair.run(200_000, |_| false);
            assert!(pair.uas.iter().all(UserAgent::is_idle), "something is left: {weather:?}: {:#?}", pair.uas);
        }
    }
}

/// The caller transfers the desk; the desk tells how it goes.
#[test]
fn transfers_over_any_network_are_told_to_their_end() {
    for loss_percent in [0, 10, 30] {
        for seed in 0..20 {
            let weather = Weather { loss_percent, delay_ms: 50, jitter_ms: 100, seed };
            let mut pair = Pair::up(weather);
            let target = "sip:202@192.0.2.9".parse().unwrap();
            pair.command(Side::Caller, |ua, now, leg| ua.refer(now, leg, &target, None)).unwrap();
            let asked = |e: &Event| matches!(e, Event::Refer { .. });
            assert!(pair.run(32_000, |p| p.told(Side::Desk, asked)), "{weather:?}: {:?}", pair.events);
            pair.run(5_000, |_| false);
            pair.command(Side::Desk, |ua, now, leg| ua.refer_progress(now, leg, 200, "OK")).unwrap();
            let done = |e: &Event| matches!(e, Event::ReferProgress { status: 200, .. });
            assert!(pair.run(32_000, |p| p.told(Side::Caller, done)), "{weather:?}: {:?}", pair.events);
            assert_eq!(pair.events[1].iter().filter(|e| asked(e)).count(), 1, "{weather:?}");
            pair.command(Side::Caller, |ua, now, leg| ua.hang_up(now, leg)).unwrap();
            pair.run(200_000, |_| false);
            assert!(pair.uas.iter().all(UserAgent::is_idle), "something is left: {weather:?}: {:#?}", pair.uas);
        }
    }
}

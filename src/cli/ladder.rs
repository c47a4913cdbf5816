//! The SIP messages of a call as people look at them: a ladder with one column for everybody, or in full.

use std::io::Write;

use chrono_tz::Tz;

use super::context::CliError;
use super::output::{columns, fitting, printable};
use crate::desk::ladder::{CallLadder, LadderMessage};
use crate::desk::ladder_view::{DESK, column, moment, parties, summary, text};
use crate::desk::view::LocalTime;
use crate::types::seconds_text;

/// Where the first one's line stands, and how far apart the others'.
const FIRST_COLUMN: usize = 20;
const SPAN: usize = 30;

/// Draws it.
pub fn draw(ladder: &CallLadder, time_zone: Tz, out: &mut dyn Write) -> Result<(), CliError> {
    let parties = parties(ladder);
    writeln!(out, "call {}, began {}", ladder.call, LocalTime::new(ladder.began_at, time_zone).short())?;
    writeln!(out, "{}", heads(parties.iter().map(|party| party.name.as_str())))?;
    writeln!(out, "{}", heads(parties.iter().map(|party| party.address.as_str())))?;
    for (index, message) in ladder.messages.iter().enumerate() {
        if index == ladder.gap_at && ladder.left_out > 0 {
            writeln!(out, "{:>FIRST_COLUMN$} {} messages were too many and are left out", "...", ladder.left_out)?;
        }
        let rung = rung(message, ladder.is_again(index), parties.len());
        writeln!(out, "{:<FIRST_COLUMN$}{rung}", format!("  {}", seconds_text(message.at_ms)))?;
    }
    Ok(())
}

/// Writes every message in full.
pub fn write_messages(ladder: &CallLadder, time_zone: Tz, out: &mut dyn Write) -> Result<(), CliError> {
    for (index, m) in ladder.messages.iter().enumerate() {
        if index == ladder.gap_at && ladder.left_out > 0 {
            writeln!(out, "--- {} messages were too many and are left out\n", ladder.left_out)?;
        }
        let way = if m.out { "to" } else { "from" };
        let again = if ladder.is_again(index) { ", retransmission" } else { "" };
        let at = moment(ladder, m, time_zone).short();
        let LadderMessage { transport, remote, local, leg, .. } = m;
        writeln!(
            out,
            "--- {at} {} {way} {remote} over {transport} at {local}, leg {leg}{again}",
            seconds_text(m.at_ms)
        )?;
        for line in text(&m.bytes).lines() {
            writeln!(out, "{}", printable(line))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Each text in the middle of its column.
fn heads<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, text) in texts.enumerate() {
        let text = fitting(text, SPAN - 2);
        let begins = (FIRST_COLUMN + index * SPAN).saturating_sub(columns(&text) / 2);
        line.extend(std::iter::repeat_n(' ', begins.saturating_sub(columns(&line))));
        line += &text;
    }
    line
}

/// One arrow between the desk and whose leg it is, and the lines of all others.
fn rung(message: &LadderMessage, again: bool, parties: usize) -> String {
    let peer = column(message.leg);
    let (left, right) = (peer.min(DESK), peer.max(DESK));
    let arrow = arrow(&summary(message), again, (right - left) * SPAN - 1, message.out == (peer > DESK));
    let mut line = String::new();
    let mut at = 0;
    while at < parties {
        line.push('|');
        if at == left {
            line += &arrow;
            at = right;
        } else {
            line.extend(std::iter::repeat_n(' ', if at + 1 < parties { SPAN - 1 } else { 0 }));
            at += 1;
        }
    }
    line
}

/// `-- INVITE (SDP) ---->`; one that came before is dotted.
fn arrow(what: &str, again: bool, width: usize, to_the_right: bool) -> String {
    let dash = if again { '.' } else { '-' };
    let again = if again { "again: " } else { "" };
    let what = fitting(&format!("{again}{what}"), width - 6);
    let rest: String = std::iter::repeat_n(dash, width - 5 - columns(&what)).collect();
    match to_the_right {
        true => format!("{dash}{dash} {what} {rest}>"),
        false => format!("<{rest} {what} {dash}{dash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::ladder::tests::message;
    use crate::types::CallId;

    fn ladder() -> CallLadder {
        let said = |at_ms, out, leg, first: &str, cseq: &str, more: &str| {
            message(at_ms, out, leg, &format!("{first}\r\nFrom: <sip:1@x>\r\nCSeq: {cseq}\r\n{more}\r\n"))
        };
        let sdp = "Content-Type: application/sdp\r\n";
        CallLadder {
            call: CallId(7),
            began_at: "2026-11-28T02:00:00Z".parse().expect("a time"),
            messages: vec![
                said(0, false, 0, "INVITE sip:desk@192.0.2.1 SIP/2.0", "1 INVITE", sdp),
                said(1, true, 0, "SIP/2.0 180 Ringing", "1 INVITE", ""),
                said(4_001, true, 0, "SIP/2.0 200 OK", "1 INVITE", sdp),
                said(4_501, true, 0, "SIP/2.0 200 OK", "1 INVITE", sdp),
                said(4_520, false, 0, "ACK sip:desk@192.0.2.1 SIP/2.0", "1 ACK", ""),
                said(9_000, true, 1, "INVITE sip:201@192.0.2.9 SIP/2.0", "1 INVITE", sdp),
                said(9_100, true, 2, "INVITE sip:张伟@192.0.2.9:5070 SIP/2.0", "1 INVITE", sdp),
                said(9_200, false, 2, "SIP/2.0 486 先生正在通话中请稍后再拨谢谢您", "1 INVITE", ""),
                said(9_201, true, 2, "ACK sip:201@192.0.2.9 SIP/2.0", "1 ACK", ""),
                said(12_000, true, 1, "CANCEL sip:201@192.0.2.9 SIP/2.0", "1 CANCEL", "Reason: SIP;cause=200\r\n"),
                said(13_000, false, 0, "BYE sip:desk@192.0.2.1 SIP/2.0", "2 BYE", ""),
                said(13_001, true, 0, "SIP/2.0 200 OK", "2 BYE", ""),
            ],
            left_out: 3,
            gap_at: 9,
        }
    }

    #[test]
    fn the_ladder_is_drawn_straight_with_wide_names_too() {
        let mut out = Vec::new();
        draw(&ladder(), chrono_tz::Asia::Shanghai, &mut out).expect("it is drawn");
        let drawn = String::from_utf8(out).expect("text");
        let widths = drawn.lines().skip(3).filter(|line| line.ends_with('|')).map(columns);
        assert!(widths.clone().all(|width| width == FIRST_COLUMN + 3 * SPAN + 1), "{drawn}");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn messages_are_shown_in_full_and_as_json() {
        let mut out = Vec::new();
        write_messages(&ladder(), chrono_tz::Asia::Shanghai, &mut out).expect("they are written");
        let shown = String::from_utf8(out).expect("text");
        assert!(shown.contains("SIP/2.0 180 Ringing\nFrom: <sip:1@x>\nCSeq: 1 INVITE\n\n\n---"), "{shown}");
        assert_eq!(shown.matches(", retransmission").count(), 1);
        let json = serde_json::to_value(crate::desk::ladder_view::messages(&ladder(), chrono_tz::Asia::Shanghai))
            .expect("JSON");
        assert_eq!(json[3]["retransmission"], true);
        assert_eq!((&json[0]["direction"], &json[0]["remote"]), (&"in".into(), &"192.0.2.7:5062".into()));
        assert_eq!(json[2]["at"], "2026-11-28T10:00:04.001+08:00");
    }
}

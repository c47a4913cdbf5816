//! Transcripts of callers' ways through flows, in virtual time: `tests/flows/*.flow`.
//!
//! A file begins with settings (`caller: none`, `callee: 2000`, `languages: zh`, `flow: other.toml`, `errand: dispatch` for a call of the desk's own) and goes on with what the caller does
//! (`<- ...`) and what must come of it. `mailbox: new heard` gives extension 201 messages to listen to, with the PIN 4711.
//! `homes: 3*1201 5*302` are the places of the caller's number, `open: accepted` a repair that is open there already.
//! `notice: on` tells callers that they are recorded. `people: 20` adds so many people called Wang Xin, of the department ä¿æ´é¨.
//! `UPDATE_TRANSCRIPTS=1 cargo test --test flows` writes down what comes.
//!
//! ```text
//! <- key 1              <- keys 3*1201#          typed ahead, all at once
//! <- wait 6s            <- heard                 until nothing plays any more
//! <- record 4s #        or: silence, limit, hangup, failed
//! <- people take        or: absent (at first), silent, decline, message
//! <- parted back        or: hungup, lost         <- queue 2 180           place and seconds
//! <- hangup             <- desk fails 2          or: silent, writes
//! ```

mod flow_test;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use frontdesk::flow::io::{Parted, RecordEnd};
use frontdesk::types::{Digit, Lang};
use proptest::prelude::*;

use flow_test::{Desk, FlowTest, People, compile, default_flow};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn files(name: &str, ext: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(name)).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("it can be read").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == ext));
    files.sort();
    assert!(!files.is_empty(), "there are no .{ext} files in tests/{name}");
    files
}

fn update() -> bool {
    std::env::var_os("UPDATE_TRANSCRIPTS").is_some()
}

/// The transcript as it comes out, and the nodes it went through.
fn replay(path: &Path) -> (String, Vec<(String, Option<String>)>) {
    let text = std::fs::read_to_string(path).expect("the transcript can be read");
    let head: Vec<&str> = text.lines().take_while(|l| !l.starts_with("<-")).collect();
    let setting = |name: &str| head.iter().find_map(|l| l.strip_prefix(name)).map(str::trim);
    let caller = setting("caller:").unwrap_or("13800138000");
    let languages: Vec<&str> = setting("languages:").unwrap_or("zh").split_whitespace().collect();
    let flow = match setting("flow:") {
        None => default_flow(),
        Some(file) => {
            let text = std::fs::read_to_string(folder("flows").join(file)).expect("the flow can be read");
            let languages: Vec<Lang> = languages.iter().map(|l| Lang::new(l)).collect();
            Arc::new(compile(&text, file, &languages).unwrap_or_else(|problems| panic!("{problems:#?}")))
        }
    };
    let callee = setting("callee:").unwrap_or("desk");
    let notice = setting("notice:") == Some("on");
    let number = (caller != "none").then_some(caller);
    let mut test = match setting("errand:") {
        Some(kind) => FlowTest::on_errand(kind, flow, number, &languages),
        None => FlowTest::called(callee, flow, number, &languages, notice),
    };
    if let Some(count) = setting("people:") {
        test.add_people(count.parse().expect("a number"));
    }
    setting("mailbox:").unwrap_or_default().split_whitespace().for_each(|kind| test.mailbox.add(kind));
    setting("homes:").unwrap_or_default().split_whitespace().for_each(|place| test.add_home(place));
    setting("open:").iter().for_each(|stage| test.add_open_repair(stage));
    let mut out = String::new();
    for line in head.iter().take_while(|l| !l.starts_with(|c: char| c.is_ascii_digit())) {
        out.push_str(line);
        out.push('\n');
    }
    for line in text.lines().filter(|l| l.starts_with("<-")) {
        out.push_str(line);
        out.push('\n');
        drive(&mut test, line.trim_start_matches("<-").trim());
        out.push_str(&test.take_log());
    }
    test.assert_over();
    let steps = std::mem::take(&mut test.steps);
    (out, steps)
}

fn drive(test: &mut FlowTest, what: &str) {
    let words: Vec<&str> = what.split_whitespace().collect();
    match words[..] {
        ["start"] => test.start(),
        ["key" | "keys", keys] => keys.chars().for_each(|key| test.key(key)),
        ["wait", time] => test.wait(duration(time)),
        ["heard"] => test.heard(),
        ["record", time, end] => test.record(duration(time), record_end(end)),
        ["hangup"] => test.hang_up(),
        ["desk", "fails", n] => test.desk = Desk::Fails(n.parse().expect("a number")),
        ["people", what] => {
            test.people = match what {
                "absent" => People::Absent,
                "silent" => People::Silent,
                "take" => People::Take,
                "decline" => People::Decline,
                "message" => People::WantMessage,
                _ => panic!("people don't do `{what}`"),
            };
            test.people_do();
            test.settle();
        }
        ["parted", how] => test.part(match how {
            "hungup" => Parted::TheyHungUp,
            "back" => Parted::HandedBack,
            "lost" => Parted::Lost,
            _ => panic!("nobody parts by `{how}`"),
        }),
        ["queue", position, wait_s] => {
            test.queue(position.parse().expect("a number"), wait_s.parse().expect("seconds"));
        }
        ["desk", "silent"] => test.desk = Desk::Silent,
        ["desk", "writes"] => test.desk = Desk::Writes,
        _ => panic!("nobody knows how to do `{what}`"),
    }
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).expect("4s or 500ms"));
    let number: u64 = number.parse().expect("a number");
    match unit {
        "s" => Duration::from_secs(number),
        "ms" => Duration::from_millis(number),
        _ => panic!("`{text}` is no time"),
    }
}

fn record_end(text: &str) -> RecordEnd {
    match text {
        "silence" => RecordEnd::Silence,
        "limit" => RecordEnd::Limit,
        "hangup" => RecordEnd::HangUp,
        "failed" => RecordEnd::Failed,
        "#" => RecordEnd::Key(Digit::HASH),
        _ => panic!("a recording can't end by `{text}`"),
    }
}

#[test]
fn callers_hear_what_the_transcripts_say() {
    let mut wrong = Vec::new();
    for path in files("flows", "flow") {
        let (came, _) = replay(&path);
        if update() {
            // Put in its place at once: the other tests read it meanwhile.
            let beside = path.with_extension("new");
            std::fs::write(&beside, &came).and_then(|()| std::fs::rename(&beside, &path)).expect("it can be written");
        } else if came != std::fs::read_to_string(&path).expect("the transcript can be read") {
            wrong.push(format!("{}\n{came}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "something else came (UPDATE_TRANSCRIPTS=1 writes it down):\n{}", wrong.join("\n"));
}

#[test]
fn the_transcripts_go_over_every_edge_of_the_default_flow() {
    let mut gone: BTreeSet<(String, String)> = BTreeSet::new();
    for path in files("flows", "flow") {
        if std::fs::read_to_string(&path).expect("it can be read").contains("flow:") {
            continue;
        }
        let (_, steps) = replay(&path);
        let nodes: Vec<String> = steps.into_iter().filter(|(_, input)| input.is_none()).map(|(node, _)| node).collect();
        gone.extend(nodes.windows(2).map(|w| (w[0].clone(), w[1].clone())));
    }
    let edges: BTreeSet<(String, String)> = default_flow().edges().into_iter().map(|(a, _, b)| (a, b)).collect();
    let missed: Vec<_> = edges.difference(&gone).collect();
    assert!(missed.is_empty(), "no transcript goes there: {missed:#?}");
}

/// `tests/flow_problems/*.toml`: each is named for its fault; beside it stands what is told.
#[test]
fn faults_of_a_flow_are_told_with_line_and_remedy() {
    let mut wrong = Vec::new();
    for path in files("flow_problems", "toml") {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.file_name().and_then(|n| n.to_str()).expect("it has a name");
        let problems = compile(&text, name, &[Lang::new("zh"), Lang::new("en")]).expect_err(name);
        let told: String = problems.iter().map(|p| format!("{p}\n")).collect();
        let expected = path.with_extension("txt");
        if update() {
            std::fs::write(&expected, &told).expect("it can be written");
        } else if told != std::fs::read_to_string(&expected).unwrap_or_default() {
            wrong.push(told);
        }
    }
    assert!(wrong.is_empty(), "something else was told:\n{}", wrong.join("\n"));
}

/// What a caller may do next.
#[derive(Debug, Clone)]
enum Act {
    Keys(String),
    Wait(u64),
    /// If it is recording: speaks so long, and ends it so.
    Record(u64, RecordEnd),
    DeskFails(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let ways = [
        "1133*1201#11",
        "1",
        "2",
        "21",
        "36",
        "4201#",
        "7201#4711#",
        "7201#4711#24202#13",
        "4201#1",
        "499#",
        "91",
        "0",
        "#",
        "*",
        "8",
        "3*1#",
        "13900001111#",
    ];
    let ends = [RecordEnd::Key(Digit::HASH), RecordEnd::Silence, RecordEnd::Limit, RecordEnd::Failed];
    prop_oneof![
        4 => proptest::sample::select(ways.to_vec()).prop_map(|keys| Act::Keys(keys.to_owned())),
        4 => "[0-9*#A]{1,6}".prop_map(Act::Keys),
        3 => (0_u64..20_000).prop_map(Act::Wait),
        4 => (0_u64..20_000, proptest::sample::select(ends.to_vec())).prop_map(|(ms, end)| Act::Record(ms, end)),
        1 => (1_usize..4).prop_map(Act::DeskFails),
    ]
}

fn act_on(test: &mut FlowTest, act: &Act) {
    match act {
        Act::Keys(keys) => keys.chars().for_each(|key| test.key(key)),
        Act::Wait(ms) => test.wait(Duration::from_millis(*ms)),
        Act::Record(ms, end) if test.is_recording() => test.record(Duration::from_millis(*ms), *end),
        Act::Record(..) => test.wait(Duration::from_secs(3)),
        Act::DeskFails(n) => test.desk = Desk::Fails(*n),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The fixture fails where a run doesn't settle, says a number that isn't on disk, or speaks to somebody who is gone.
    #[test]
    fn whatever_is_keyed_a_hang_up_ends_it_and_leaves_nothing_unmarked(
        acts in proptest::collection::vec(act(), 0..40), withheld: bool
    ) {
        let mut test = FlowTest::new(default_flow(), (!withheld).then_some("13800138000"), &["zh", "en"]);
        ["new", "heard", "number", "unreadable"].into_iter().for_each(|kind| test.mailbox.add(kind));
        test.start();
        for act in acts.iter().take_while(|_| !test.finished).collect::<Vec<_>>() {
            act_on(&mut test, act);
        }
        test.desk = Desk::Writes;
        if !test.finished {
            test.hang_up();
        }
        test.assert_over();
    }

    #[test]
    fn whatever_is_keyed_a_caller_who_falls_silent_comes_to_the_end(
        acts in proptest::collection::vec(act(), 0..40), withheld: bool
    ) {
        let mut test = FlowTest::new(default_flow(), (!withheld).then_some("13800138000"), &["zh"]);
        ["new", "withheld", "unreadable"].into_iter().for_each(|kind| test.mailbox.add(kind));
        test.start();
        for act in &acts {
            act_on(&mut test, act);
        }
        test.desk = Desk::Writes;
        for _ in 0..200 {
            if test.is_recording() {
                test.record(Duration::from_millis(500), RecordEnd::Silence);
            }
            test.wait(Duration::from_secs(10));
        }
        test.assert_over();
    }
}

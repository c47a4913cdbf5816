//! A shift at a running desk: what happened is on the page, also after a power cut.

use serde_json::Value;

use crate::daemon::Daemon;

fn kinds(entries: &Value) -> Vec<&str> {
    entries.as_array().expect("a list").iter().map(|e| e["kind"].as_str().expect("a word")).collect()
}

fn done(daemon: &Daemon, args: &[&str]) -> String {
    let output = daemon.cli_with(args, &[]);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn r40_r41_a_power_cut_is_in_the_journal_and_on_the_page_of_the_next_shift() {
    let daemon = Daemon::with(&[]);
    let page = daemon.json(&["handover", "show", "--json"]);
    done(&daemon, &["handover", "sign-on", "王芳", "--read", page["read"].as_str().expect("a code")]);
    done(&daemon, &["journal", "add", "3 栋门禁坏了，已报修", "--kind", "equipment", "--by", "王芳"]);
    let daemon = daemon.kill_and_restart();
    assert_eq!(kinds(&daemon.json(&["journal", "--json"])), ["started", "cut_off", "equipment", "started"]);
    done(&daemon, &["handover", "sign-off", "王芳", "--note", "钥匙在前台"]);
    let page = daemon.json(&["handover", "show", "--json"]);
    assert_eq!(page["signed_off"]["note"], "钥匙在前台");
    assert_eq!(kinds(&page["journal"]["list"]), ["equipment", "cut_off", "started"]);
    let groups = page["duty"].as_array().expect("a list");
    let receptionists = groups.iter().find(|duty| duty["group"] == "receptionist").expect("there is a roster");
    assert_eq!(receptionists["people"][0], "100 王芳");
    done(&daemon, &["handover", "sign-on", "李娜", "--read", page["read"].as_str().expect("a code")]);
    assert!(done(&daemon, &["handover", "show"]).contains("李娜 has the shift"));
}

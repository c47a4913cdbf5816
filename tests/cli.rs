//! The built program from a shell: exit codes, help, and that it runs with nothing beside it.

use std::path::Path;
use std::process::{Command, Output};

use frontdesk::store::{Store, StoreOptions};

/// The program in an empty folder and an environment without settings.
struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FRONTDESK_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(env.iter().copied()).current_dir(self.path());
        Ran::from(command.output().unwrap())
    }
}

/// Runs it with this line on stdin.
fn typed(shell: &Shell, arguments: &[&str], line: &str) -> Ran {
    use std::io::Write;
    use std::process::Stdio;

    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(arguments).current_dir(shell.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(line.as_bytes());
    Ran::from(child.wait_with_output().unwrap())
}

#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let shell = Shell::new();
    for arguments in
        [&["no-such-command"][..], &["check", "--no-such-flag"], &["backup"], &["check", "--log-format", "xml"]]
    {
        let ran = shell.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains("try '--help'"), "{arguments:?}: {ran:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["help", "check"]] {
        let ran = shell.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn accounts_are_made_with_a_password_and_get_none_while_they_are_disabled() {
    let shell = Shell::new();
    let options = StoreOptions::new(shell.path().join("frontdesk.db"), chrono_tz::UTC);
    let (store, _) = Store::open(options, Box::new(|_| {})).unwrap();
    assert_eq!(store.shutdown(), 0);
    let user = |arguments: &[&str], line: &str| typed(&shell, &[&["user"], arguments, &["--data", "."]].concat(), line);
    let good = "correct horse battery\n";
    let made = user(&["add", "wang", "--role", "receptionist", "--password"], good);
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), "account wang: added, with its password\n"), "{made:?}");
    let changed = user(&["passwd", "wang", "--password"], good);
    assert_eq!(changed.stdout, "account wang: has a new password\n", "{changed:?}");
    assert_eq!(user(&["disable", "wang"], "").code, Some(0));
    let refused = user(&["passwd", "wang"], "");
    assert!(refused.code == Some(1) && refused.stderr.contains("frontdesk user enable wang"), "{refused:?}");
}

#[test]
fn every_command_has_its_own_help() {
    let shell = Shell::new();
    let help = shell.run(&["--help"]).stdout;
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"check") && commands.contains(&"restore"), "{commands:?}");
    for command in commands {
        let ran = shell.run(&[command, "--help"]);
        assert_eq!(ran.code, Some(0), "{command}");
        assert!(ran.stdout.contains("Usage: frontdesk"), "{command}: {ran:?}");
    }
}

#[test]
fn check_runs_from_any_folder_with_nothing_beside_it_and_leaves_nothing_behind() {
    let shell = Shell::new();
    let ran = shell.run(&["check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.starts_with("ok"), "{ran:?}");
    assert_eq!(std::fs::read_dir(shell.path()).unwrap().count(), 0);
}

#[test]
fn faults_of_the_settings_are_1_all_of_them_with_file_and_line() {
    let shell = Shell::new();
    std::fs::write(shell.path().join("desk.toml"), "[answer]\nafter_rings = 3\n\n[sip]\nlissten = []\n").unwrap();
    let wanted = "\
desk.toml:2: after_rings = 3 is out of range; write a number from 0 to 2
desk.toml:5: [sip] has no key lissten; did you mean listen?
";
    let by_flag = shell.run(&["check", "--config", "desk.toml"]);
    let by_variable = shell.run_with(&["check"], &[("FRONTDESK_CONFIG", "desk.toml")]);
    for ran in [by_flag, by_variable] {
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(ran.stdout, wanted);
        assert_eq!(ran.stderr, "frontdesk: 2 faults found\n");
    }
}

#[test]
fn a_config_folder_beside_the_program_is_not_read_unasked() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path().join("config")).unwrap();
    std::fs::write(shell.path().join("config/frontdesk.toml"), "nonsense").unwrap();
    assert_eq!(shell.run(&["check"]).code, Some(0));
}

#[test]
fn a_failed_backup_is_1_and_says_what_to_do() {
    let shell = Shell::new();
    let ran = shell.run(&["backup", "desk.tar"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.stderr, "frontdesk: ./data holds no database: name the data folder with --data\n");
    let ran = shell.run_with(&["backup", "desk.tar"], &[("FRONTDESK_DATA", "elsewhere")]);
    assert_eq!(ran.stderr, "frontdesk: elsewhere holds no database: name the data folder with --data\n");
}

/// Bad input is told all at once: settings, people and hours of one site, each with its file.
#[test]
fn check_goes_on_after_a_fault_to_the_files_that_it_can_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write(
        "site.toml",
        "[desk]\nnam = \"x\"\n[people]\nfile = \"people.toml\"\n[hours]\nfile = \"hours.toml\"\n[flow]\nfile = \"flow.toml\"\n",
    );
    write("people.toml", "[[person]]\nextension = \"2o1\"\nname = \"张伟\"\n");
    write("hours.toml", "[week]\nmon = [\"8-12\"]\n");
    write("flow.toml", "start = \"nowhere\"\n");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"))
        .args(["check", "--config"])
        .arg(folder.path().join("site.toml"))
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for (file, fault) in
        [("site.toml:2", "nam"), ("people.toml:2", "2o1"), ("hours.toml", "8-12"), ("flow.toml", "node")]
    {
        assert!(told.lines().any(|line| line.contains(file) && line.contains(fault)), "{file} is not told: {told}");
    }
}

/// A trunk that can't be called would silently not be there.
#[test]
fn check_tells_trunks_whose_addresses_lead_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("site.toml", "[trunks]\nfile = \"trunks.toml\"\n");
    write(
        "trunks.toml",
        "[[trunk]]\nname = \"a\"\npeer = \"sip:[::1\"\n\
         [[trunk]]\nname = \"b\"\npeer = \"sip:h\"\nproxy = \"sip:edge:99999\"\n\
         [[trunk]]\nname = \"c\"\npeer = \"sip:[2001:db8::1]:5070;transport=tcp\"\n",
    );
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"))
        .args(["check", "--config"])
        .arg(folder.path().join("site.toml"))
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for fault in ["trunks.toml:2: `sip:[::1` of the trunk a", "trunks.toml:5: `sip:edge:99999` of the trunk b"] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    assert!(!told.contains("of the trunk c"), "{told}");
}

/// A site with a duty roster, at times that are asked for.
#[test]
fn check_says_what_is_so_at_any_time() {
    let shell = Shell::new();
    let write = |name: &str, text: &str| std::fs::write(shell.path().join(name), text).expect("written");
    write("site.toml", "[hours]\nfile = \"hours.toml\"\n");
    write("hours.toml", ROSTER);
    let at = |at: &str, more: &[&str]| {
        let ran = shell.run(&[&["check", "--config", "site.toml", "--at", at], more].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    };
    let told = at("2026-10-01 20:15", &[]);
    let wanted = "\
at Thu 2026-10-01 20:15
  the desk is closed, until Thu 2026-10-08 08:30
  it is a holiday: 国庆节
  fees is closed, until Mon 2026-10-12 09:00
  receptionist: 100 王芳, 101 李娜 (nobody is on the roster until Thu 2026-10-08 08:00)
  emergency: 301 刘洋 (until Fri 2026-10-02 00:00)
  engineer: 201 张伟, 202 周伟 (there is no roster of it)
  supervisor: nobody (there is no roster of it)
warning: nobody is on the roster of receptionist from Thu 2026-10-01 20:15 to Thu 2026-10-08 08:00: all who have that duty are rung then
warning: nobody can be rung for supervisor: nobody hears what is overdue; give somebody duty = [\"supervisor\"] in people.toml
";
    assert!(told.starts_with("ok ") && told.contains(wanted), "{told}");
    assert!(at("2026-10-08 08:30", &[]).contains("  the desk is open, until Thu 2026-10-08 18:00\n"));
    let told: serde_json::Value = serde_json::from_str(&at("2026-10-02 23:00", &["--json"])).expect("JSON");
    let moment = &told["moment"];
    assert_eq!((&told["problems"], &moment["open"]), (&serde_json::json!([]), &serde_json::json!(false)));
    assert_eq!(moment["at"], "2026-10-02T23:00:00+08:00");
    let emergency = &moment["duty"][1];
    assert_eq!((&emergency["group"], &emergency["because"]), (&"emergency".into(), &"rostered".into()), "{told:#}");
    assert_eq!(emergency["people"][0]["extension"], "201", "{told:#}");
    assert_eq!(emergency["changes_at"], "2026-10-03T06:00:00+08:00");
    let wrong = shell.run(&["check", "--at", "some day"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

const ROSTER: &str = r#"
[week]
mon = ["08:30-18:00"]
tue = ["08:30-18:00"]
wed = ["08:30-18:00"]
thu = ["08:30-18:00"]
fri = ["08:30-18:00"]
sat = []
sun = []
[[holiday]]
name = "国庆节"
from = "2026-10-01"
to = "2026-10-07"
[schedule.fees]
mon = ["09:00-11:00"]
[[duty]]
group = "receptionist"
people = ["100"]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
hours = ["08:00-20:00", "20:00-08:00"]
[[duty]]
group = "emergency"
people = ["301"]
[[duty]]
group = "emergency"
people = ["201"]
from = "2026-10-02"
hours = ["00:00-06:00", "20:00-06:00"]
"#;

#[test]
fn the_roster_tells_who_is_on_duty_when_and_where_nobody_is() {
    let shell = Shell::new();
    let roster = "[[duty]]\ngroup = \"receptionist\"\npeople = [\"100\"]\nhours = [\"07:00-19:00\"]\n\n\
                  [[duty]]\ngroup = \"receptionist\"\npeople = [\"101\"]\nhours = [\"19:00-06:00\"]\n";
    let week =
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| format!("{day} = [\"00:00-24:00\"]\n")).concat();
    std::fs::write(shell.path().join("hours.toml"), format!("[week]\n{week}\n{roster}")).unwrap();
    let env = [("FRONTDESK_HOURS__FILE", "hours.toml")];
    let ran = shell.run_with(&["roster", "--at", "2026-11-23 12:00", "--days", "1", "--group", "receptionist"], &env);
    let wanted = "\
group         from                 to                   people              because       gap
receptionist  2026-11-23 12:00:00  2026-11-23 19:00:00  100 王芳            rostered
receptionist  2026-11-23 19:00:00  2026-11-24 06:00:00  101 李娜            rostered
receptionist  2026-11-24 06:00:00  2026-11-24 07:00:00  100 王芳, 101 李娜  roster_empty  GAP
receptionist  2026-11-24 07:00:00                       100 王芳            rostered
warning: receptionist from 2026-11-24 06:00:00 to 2026-11-24 07:00:00: nobody is on the roster: all who have that duty are rung
";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), wanted), "{ran:?}");
    let ran = shell.run_with(&["roster", "--json", "--group", "supervisor"], &env);
    let stretches: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&stretches[0]["gap"], &stretches[0]["people"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(shell.run(&["roster", "--days", "0"]).code, Some(2));
}

#[test]
fn a_role_may_see_less_than_the_settings_say_and_never_more() {
    let shell = Shell::new();
    std::fs::write(shell.path().join("desk.toml"), "[privacy]\ncli_role = \"receptionist\"\n").unwrap();
    let env = [("FRONTDESK_CONFIG", "desk.toml")];
    let ran = shell.run_with(&["calls", "--role", "supervisor"], &env);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("the role here is receptionist"), "{ran:?}");
    let ran = shell.run_with(&["backup", "all.tar"], &env);
    assert!(ran.code == Some(1) && ran.stderr.contains("not for the role receptionist"), "{ran:?}");
    assert!(shell.run_with(&["calls", "--role", "engineer"], &env).stderr.contains("no calls yet"));
    assert_eq!(shell.run(&["calls", "--role", "boss"]).code, Some(2));
}

#[test]
fn faults_between_the_files_of_a_site_are_told_and_as_json_too() {
    let shell = Shell::new();
    let write = |name: &str, text: &str| std::fs::write(shell.path().join(name), text).expect("written");
    write("site.toml", "[hours]\nfile = \"hours.toml\"\n[people]\nfile = \"people.toml\"\n");
    write("hours.toml", ROSTER);
    write("people.toml", "[[person]]\nextension = \"301\"\nname = \"刘洋\"\nhunt = [\"13800138000\"]\n");
    let ran = shell.run(&["check", "--config", "site.toml"]);
    let wanted = "\
hours.toml:17: extension 100 is on duty, whom the directory does not know; write the extension of a person in people.toml, or take it out
hours.toml:25: extension 201 is on duty, whom the directory does not know; write the extension of a person in people.toml, or take it out
people.toml:2: extension 301 is to be called at a number, and there is no gateway; write gateway = \"sip:gw.example.com\" into [sip], or a SIP address in place of the number
";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), wanted));
    let ran = shell.run(&["check", "--config", "site.toml", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, told["problems"].as_array().map(Vec::len)), (Some(1), Some(3)), "{told:#}");
    assert_eq!((&told["problems"][0]["line"], &told["moment"]), (&17.into(), &serde_json::Value::Null));
}

#[test]
fn presence_is_said_of_people_whom_there_are_and_for_a_time_that_lies_ahead() {
    let shell = Shell::new();
    let set = |args: &[&str]| shell.run(&[&["people", "set"], args].concat());
    let ran = set(&["999", "out"]);
    assert_eq!(ran.stderr, "frontdesk: nobody has extension 999; `frontdesk people` shows who there is\n");
    for args in [&["201", "away"][..], &["201", "out", "--until", "soon"], &["201", "out", "--until", "2020-01-01"]] {
        let ran = set(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
    }
    assert_eq!(set(&["201", "usual", "--until", "2h"]).code, Some(2));
    let ran = set(&["201", "out"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("start `frontdesk serve`"), "{ran:?}");
}

//! The built program from a shell: exit codes, help, and that it runs with nothing beside it.

use std::path::Path;
use std::process::{Command, Output};

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

//! Lists of people into the people's file: lists that are right with what comes of them, lists that are named for their fault.
//!
//! `UPDATE_EXPECTED=1 cargo test --test import` writes down what comes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name)
}

fn lists(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).expect("the folder is there");
    let mut lists: Vec<PathBuf> = entries.map(|e| e.expect("it can be read").path()).collect();
    lists.retain(|path| path.extension().is_some_and(|e| e == "csv" || e == "vcf"));
    lists.sort();
    assert!(lists.len() > 3, "the lists are gone");
    lists
}

/// A desk with its settings and people in a folder of its own.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        for file in ["people.toml", "frontdesk.toml"] {
            fs::copy(folder(file), desk.path(file)).expect("copied");
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn people(&self) -> String {
        fs::read_to_string(self.path("people.toml")).expect("it is there")
    }

    /// Imports a copy of the list, under its own name in the working folder.
    fn import(&self, list: &Path, more: &[&str]) -> Output {
        let name = list.file_name().expect("it has one");
        fs::copy(list, self.path(&name.to_string_lossy())).expect("copied");
        self.run(&[&["people", "import", &name.to_string_lossy()], more].concat())
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FRONTDESK_")) {
            command.env_remove(name);
        }
        command.args(args).args(["--config", "frontdesk.toml"]).current_dir(self.0.path()).output().expect("it runs")
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.path()).expect("it is there").count()
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

fn compare(path: &Path, came: &str) {
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, came).expect("written");
    }
    assert_eq!(came, fs::read_to_string(path).unwrap_or_default(), "{}", path.display());
}

#[test]
fn every_good_list_comes_in_and_the_rest_of_the_file_stays() {
    for list in lists("good") {
        let desk = Desk::new();
        let (before, files) = (desk.people(), desk.files());
        let dry = desk.import(&list, &["--dry-run"]);
        assert!(dry.status.success(), "{}: {}", list.display(), text(dry.stderr));
        assert_eq!(desk.people(), before, "a dry run writes nothing");
        let ran = desk.import(&list, &[]);
        assert!(ran.status.success(), "{}: {}", list.display(), text(ran.stderr));
        compare(&list.with_extension("expected"), &format!("{}---\n{}", text(ran.stdout), desk.people()));
        assert!(desk.run(&["people", "check"]).status.success());
        assert_eq!(desk.files(), files + 1, "only the list's copy is new");
        // A second time there is nothing to do.
        let (after, again) = (desk.people(), desk.import(&list, &["--json"]));
        let told: serde_json::Value = serde_json::from_slice(&again.stdout).expect("JSON");
        assert_eq!((&told["added"], &told["changed"]), (&serde_json::json!([]), &serde_json::json!([])), "{told:#}");
        assert_eq!((desk.people(), &told["written"]), (after, &serde_json::json!(false)));
    }
}

#[test]
fn every_bad_list_tells_all_its_faults_and_leaves_the_file_alone() {
    for list in lists("bad") {
        let desk = Desk::new();
        let (before, files) = (desk.people(), desk.files());
        let ran = desk.import(&list, &[]);
        assert_eq!(ran.status.code(), Some(1), "{}", list.display());
        assert_eq!((desk.people(), desk.files()), (before, files + 1), "nothing is written");
        compare(&list.with_extension("expected"), &text(ran.stderr));
        assert!(ran.stdout.is_empty(), "{}", list.display());
    }
}

#[test]
fn numbers_of_cards_are_places_where_there_is_a_gateway() {
    let desk = Desk::new();
    let settings = "[people]\nfile = \"people.toml\"\n[sip]\ngateway = \"sip:gw.example.com\"\n";
    fs::write(desk.path("frontdesk.toml"), settings).expect("written");
    let ran = desk.import(&folder("good/cards.vcf"), &[]);
    assert!(ran.status.success(), "{}", text(ran.stderr));
    let hunt = "hunt = [{ uri = \"sip:201@192.0.2.5\", ring_s = 12 }, \"sip:workshop@frontdesk\", \"tel:13800138000\"]";
    assert!(desk.people().contains(hunt), "after the places that are known: {}", desk.people());
}

#[test]
fn what_was_exported_comes_in_again_and_changes_nothing() {
    let desk = Desk::new();
    let csv = desk.run(&["people", "--csv"]);
    assert!(csv.status.success(), "{}", text(csv.stderr));
    fs::write(desk.path("export.csv"), csv.stdout).expect("written");
    let (before, ran) = (desk.people(), desk.run(&["people", "import", "export.csv"]));
    let told = text(ran.stdout);
    assert_eq!(told, "0 added, 0 changed, 2 of the list left as they are; nothing to write\n", "{}", text(ran.stderr));
    assert_eq!(desk.people(), before);
}

#[test]
fn built_in_people_and_a_list_that_is_not_there_are_told() {
    let desk = Desk::new();
    fs::write(desk.path("frontdesk.toml"), "").expect("written");
    let told = text(desk.import(&folder("good/chinese.csv"), &[]).stderr);
    assert!(told.contains("the people are built in") && told.contains("[people] file"), "{told}");
    let desk = Desk::new();
    let told = text(desk.run(&["people", "import", "no-such.csv"]).stderr);
    assert!(told.starts_with("no-such.csv: ") && told.contains("name a readable CSV or vCard file"), "{told}");
}

#[test]
fn people_who_stand_in_one_line_are_told_with_the_remedy() {
    let desk = Desk::new();
    fs::write(desk.path("people.toml"), "person = [{ extension = \"1\", name = \"张伟\" }]\n").expect("written");
    let told = text(desk.import(&folder("good/chinese.csv"), &[]).stderr);
    let wanted = "chinese.csv: the people's file has its people in one line; write each of them there as [[person]]\n";
    assert!(told.starts_with(wanted), "{told}");
}

/// No cut of a list makes the reading fail otherwise than by telling why.
#[test]
fn a_list_that_is_cut_off_never_ends_in_a_panic() {
    let card = fs::read_to_string(folder("good/cards.vcf")).expect("it can be read");
    let desk = Desk::new();
    for cut in card.char_indices().map(|(at, _)| at).step_by(23) {
        fs::write(desk.path("cut.vcf"), &card[..cut]).expect("written");
        let ran = desk.run(&["people", "import", "cut.vcf", "--dry-run"]);
        assert!(matches!(ran.status.code(), Some(0 | 1)), "cut at {cut}: {}", text(ran.stderr));
    }
}

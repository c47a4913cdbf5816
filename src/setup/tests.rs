use std::fs;

use tempfile::TempDir;

use super::prompts::{Provenance, Unusable, Which};
use super::*;
use crate::desk::errand::ErrandId;
use crate::desk::people::Duty;
use crate::media::clip::Clip;
use crate::media::{tone_gen, wav};
use crate::types::{Lang, RecordingId};

const PEOPLE: &str = "# ours\n\n[[person]]\nextension = \"100\" # the desk\nname = \"王芳\"\nhunt = [\"sip:100@frontdesk\"] # first\nduty = [\"receptionist\"]\npin = \"$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$4xlmDqHnNR6mjC+5EYXs1IDZUoZLKMGkzPMfEdV4bFw\"\n\n[[person]]\nextension = \"201\"\nname = \"张伟\"\n";

/// A desk with files of its own.
struct DeskTest {
    folder: TempDir,
    setup: Setup,
}

impl DeskTest {
    fn new() -> Self {
        Self::with(&[("people.toml", PEOPLE), ("frontdesk.toml", "[people]\nfile = \"people.toml\"\n")])
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("it is writable");
        }
        let settings = Some(folder.path().join("frontdesk.toml")).filter(|path| path.exists());
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("it is writable");
        let config = load_config(settings.as_deref(), &data).expect("they are good");
        let site = Site::load(config).unwrap_or_else(|faults| panic!("{faults:?}"));
        let setup = Setup::new(settings, data, site);
        Self { folder, setup }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("it is there")
    }

    fn person(&self, extension: &str) -> (PersonForm, Fingerprint) {
        person_form(&self.text("people.toml"), extension).expect("they are there")
    }

    fn seen(&self, content: Content) -> Fingerprint {
        self.setup.file(content).expect("it is readable").fingerprint()
    }

    /// What waits is accepted as it was heard.
    fn accept(&self, lang: &str, id: &str) -> Result<std::path::PathBuf, Refusal> {
        let lang = Lang::new(lang);
        let voices = self.setup.prompt(id).expect("it is known").voices;
        let heard = voices.into_iter().find(|voice| voice.lang == lang).and_then(|voice| voice.offered);
        self.setup.accept_prompt(&lang, id, &heard.unwrap_or_else(|| Fingerprint::of("nothing")))
    }

    /// No draft is left.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .expect("it is there")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_person_is_changed_and_the_rest_of_the_file_stays() {
    let desk = DeskTest::new();
    let (mut form, seen) = desk.person("201");
    form.department = "工程部".to_owned();
    form.hunt = "sip:201@frontdesk\nsip:202@frontdesk ring=20 hours=09:00-18:00 together\n".to_owned();
    form.duty = vec![Duty::Engineer, Duty::Emergency];
    form.do_not_disturb = true;
    desk.setup.change_person("201", &seen, &form).expect("it is good");
    let added = "department = \"工程部\"\nhunt = [\"sip:201@frontdesk\", { uri = \"sip:202@frontdesk\", ring_s = 20, hours = \"09:00-18:00\", all_at_once = true }]\nduty = [\"engineer\", \"emergency\"]\ndo_not_disturb = true\n";
    assert_eq!(desk.text("people.toml"), format!("{PEOPLE}{added}"));
    let (again, _) = desk.person("201");
    assert_eq!(again.hunt, form.hunt.trim());
    assert_eq!(desk.files(), ["data", "frontdesk.toml", "people.toml"]);
    let site = desk.setup.reload().expect("it is good");
    assert!(site.people.person("201").is_some_and(|person| person.do_not_disturb && person.hunt.len() == 2));
}

#[test]
fn what_a_form_does_not_say_anew_is_not_written() {
    let desk = DeskTest::new();
    let (form, seen) = desk.person("100");
    desk.setup.change_person("100", &seen, &form).expect("it is good");
    assert_eq!(desk.text("people.toml"), PEOPLE);
}

#[test]
fn of_two_who_change_one_person_the_second_is_told_and_nothing_is_lost() {
    let desk = DeskTest::new();
    let (mut first, seen) = desk.person("201");
    let mut second = first.clone();
    first.name = "张伟一".to_owned();
    second.name = "张伟二".to_owned();
    desk.setup.change_person("201", &seen, &first).expect("it is good");
    let refused = desk.setup.change_person("201", &seen, &second).expect_err("somebody was faster");
    assert!(matches!(&refused, Refusal::Changed { now, .. } if now.contains("张伟一")), "{refused:?}");
    assert_eq!(desk.person("201").0.name, "张伟一");
    // Another person's change is no reason to refuse.
    let (other, seen) = desk.person("100");
    desk.setup.change_person("100", &seen, &PersonForm { name: "王芳芳".to_owned(), ..other }).expect("it is good");
    let refused = desk.setup.remove_person("201", &Fingerprint::of("?")).expect_err("they are another by now");
    assert!(matches!(refused, Refusal::Changed { .. }));
}

#[test]
fn what_would_harm_the_site_is_told_with_its_file_and_nothing_is_written() {
    let desk = DeskTest::new();
    let (form, seen) = desk.person("201");
    let bad = PersonForm { extension: "0".to_owned(), ..form.clone() };
    let Err(Refusal::Faults(faults)) = desk.setup.change_person("201", &seen, &bad) else { panic!("it is bad") };
    assert!(faults[0].file.ends_with("/people.toml") && faults[0].line == Some(11), "{faults:?}");
    assert!(faults[0].what.contains("can't be keyed"), "{faults:?}");
    let twice = PersonForm { extension: "100".to_owned(), ..form };
    let refused = desk.setup.change_person("201", &seen, &twice).expect_err("it is somebody else's");
    assert!(matches!(refused, Refusal::Form { field: "extension", .. }), "{refused:?}");
    assert_eq!(desk.text("people.toml"), PEOPLE);
    assert_eq!(desk.files(), ["data", "frontdesk.toml", "people.toml"]);
}

#[test]
fn people_come_and_go() {
    let desk = DeskTest::new();
    let form =
        PersonForm { extension: "301".to_owned(), name: "刘洋".to_owned(), present: true, ..Default::default() };
    desk.setup.add_person(&form).expect("it is good");
    assert_eq!(desk.text("people.toml"), format!("{PEOPLE}\n[[person]]\nextension = \"301\"\nname = \"刘洋\"\n"));
    assert!(matches!(desk.setup.add_person(&form), Err(Refusal::Form { field: "extension", .. })));
    let (_, seen) = desk.person("301");
    desk.setup.remove_person("301", &seen).expect("they are there");
    assert_eq!(desk.text("people.toml"), PEOPLE);
    assert!(matches!(desk.setup.remove_person("301", &seen), Err(Refusal::Gone(_))));
}

#[test]
fn what_is_built_in_becomes_a_file_beside_the_settings_at_a_word() {
    let desk = DeskTest::with(&[("frontdesk.toml", "# ours\n[desk]\nname = \"阳光物业\" # short\n")]);
    let refused = desk.setup.write(Content::Hours, &desk.seen(Content::Hours), "x").expect_err("there is no file");
    assert!(matches!(refused, Refusal::BuiltIn(Place::BuiltIn { .. })), "{refused:?}");
    let written = desk.setup.make_file(Content::Hours).expect("there are settings");
    assert_eq!(written.path, desk.folder.path().join("hours.toml"));
    assert_eq!(
        desk.text("frontdesk.toml"),
        "# ours\n[desk]\nname = \"阳光物业\" # short\n\n[hours]\nfile = \"hours.toml\"\n"
    );
    assert_eq!(desk.text("hours.toml"), Content::Hours.built_in());
    // Once more changes nothing.
    desk.setup.make_file(Content::Hours).expect("it is there");
    desk.setup.make_file(Content::Answers).expect("there are settings");
    assert_eq!(desk.files(), ["answers.toml", "data", "frontdesk.toml", "hours.toml"]);
    // A file that is in the way is not written over.
    fs::write(desk.folder.path().join("people.toml"), "mine").expect("it is writable");
    assert!(matches!(desk.setup.make_file(Content::People), Err(Refusal::Disk { .. })));
    assert_eq!(desk.text("people.toml"), "mine");
}

#[test]
fn without_settings_nothing_can_be_named() {
    let desk = DeskTest::with(&[]);
    assert!(matches!(desk.setup.make_file(Content::People), Err(Refusal::BuiltIn(Place::NoSettings))));
    assert!(matches!(desk.setup.add_person(&PersonForm::default()), Err(Refusal::BuiltIn(Place::NoSettings))));
}

#[test]
fn hours_are_changed_as_forms_and_as_text() {
    let desk = DeskTest::with(&[("frontdesk.toml", "")]);
    desk.setup.make_file(Content::Hours).expect("there are settings");
    let setup = &desk.setup;
    let mut week = week_of(&desk.text("hours.toml"));
    assert_eq!(week, ["00:00-24:00"; 7].map(str::to_owned));
    week[0] = "8:30 - 12:00，13：30—18:00".to_owned();
    assert!(matches!(setup.put_week(&desk.seen(Content::Hours), &week), Err(Refusal::Faults(_))), "8:30 has no zero");
    week[0] = "08:30 - 12:00，13：30—18:00".to_owned();
    week[6] = String::new();
    setup.put_week(&desk.seen(Content::Hours), &week).expect("it is good");
    let holiday = HolidayForm { name: "元旦".to_owned(), from: "2027-01-01".to_owned(), ..Default::default() };
    setup.put_holiday(&desk.seen(Content::Hours), None, &holiday).expect("it is good");
    let workday = WorkdayForm { name: "调休".to_owned(), date: "2027-01-03".to_owned(), like: "fri".to_owned() };
    setup.put_workday(&desk.seen(Content::Hours), None, &workday).expect("it is good");
    let text = desk.text("hours.toml");
    assert!(text.starts_with(Content::Hours.built_in().split("[week]").next().expect("a head")), "comments stay");
    assert!(text.contains("mon = [\"08:30-12:00\", \"13:30-18:00\"]\n") && text.contains("sun = []\n"), "{text}");
    let to = HolidayForm { to: "2027-01-01".to_owned(), ..holiday };
    assert_eq!(written_days(&text), (vec![to.clone()], vec![workday]));
    let first = At { place: 0, day: "2027-01-01" };
    let open = HolidayForm { open: "09:00-12:00".to_owned(), ..to };
    let seen = desk.seen(Content::Hours);
    setup.put_holiday(&seen, Some(first), &open).expect("it is good");
    assert_eq!(written_days(&desk.text("hours.toml")).0, [open]);
    assert!(matches!(setup.remove_holiday(&seen, first), Err(Refusal::Changed { .. })), "it was seen before");
    setup.remove_holiday(&desk.seen(Content::Hours), first).expect("it is there");
    let seen = desk.seen(Content::Hours);
    assert!(matches!(setup.remove_workday(&seen, first), Err(Refusal::Gone(_))), "another day stands there");
    setup.remove_workday(&seen, At { place: 0, day: "2027-01-03" }).expect("it is there");
    assert_eq!(written_days(&desk.text("hours.toml")), (vec![], vec![]));
    let text = desk.text("hours.toml").replace('\n', "\r\n") + "[schedule.day]\r\nmon = [\"08:00-20:00\"]\r\n";
    setup.write(Content::Hours, &desk.seen(Content::Hours), &text).expect("it is good");
    assert!(desk.text("hours.toml").ends_with("[schedule.day]\nmon = [\"08:00-20:00\"]\n"));
    let refused = setup.write(Content::Hours, &desk.seen(Content::Hours), "[week]\nmon = 1\n");
    assert!(matches!(refused, Err(Refusal::Faults(_))));
}

/// Editors of other systems end lines with CR LF, put a byte order mark before the text, or end it without a line break.
#[test]
fn a_file_is_seen_as_it_is_written_and_keeps_its_marks() {
    let days: String = DAYS.iter().map(|day| format!("{day} = [\"09:00-18:00\"] # ours\n")).collect();
    let plain = format!("[week]\n{days}\n[schedule.day]\nmon = [\"08:00-20:00\"]\n");
    let crlf = plain.replace('\n', "\r\n");
    let texts = [plain.trim_end().to_owned(), crlf.clone(), format!("\u{feff}{plain}"), format!("\u{feff}{crlf}")];
    for text in texts {
        let desk = DeskTest::with(&[("hours.toml", &text), ("frontdesk.toml", "[hours]\nfile = \"hours.toml\"\n")]);
        let mut week = week_of(&text);
        week[1] = "09:00-12:00".to_owned();
        desk.setup
            .put_week(&desk.seen(Content::Hours), &week)
            .unwrap_or_else(|refusal| panic!("{text:?}: {refusal:?}"));
        let written = desk.text("hours.toml");
        assert_eq!(week_of(&written), week);
        assert_eq!(written.starts_with('\u{feff}'), text.starts_with('\u{feff}'), "{written:?}");
        let ends = |text: &str| (text.contains("\r\n"), text.replace("\r\n", "").contains('\n'));
        assert_eq!(ends(&written), ends(&text), "{written:?}");
        assert!(written.contains("# ours"), "{written:?}");
        let holiday = HolidayForm { from: "2027-01-01".to_owned(), ..Default::default() };
        desk.setup.put_holiday(&desk.seen(Content::Hours), None, &holiday).expect("it is seen again");
    }
}

#[test]
fn what_somebody_else_wrote_is_known_from_what_was_shown() {
    let desk = DeskTest::with(&[("frontdesk.toml", "")]);
    desk.setup.make_file(Content::Hours).expect("there are settings");
    let (before, seen) = (desk.text("hours.toml"), desk.seen(Content::Hours));
    let mut week = week_of(&before);
    week[0] = "09:00-18:00".to_owned();
    desk.setup.put_week(&seen, &week).expect("it is good");
    let refused = desk.setup.put_week(&seen, &week).expect_err("it is another");
    let Refusal::Changed { now, before: shown } = refused else { panic!("{refused:?}") };
    assert_eq!((now, shown), (desk.text("hours.toml"), Some(before)));
    let refused = desk.setup.put_week(&Fingerprint::of("?"), &week).expect_err("nobody saw that");
    assert!(matches!(refused, Refusal::Changed { before: None, .. }));
}

#[test]
fn settings_behind_a_link_are_read_from_its_folder() {
    let desk = DeskTest::with(&[("people.toml", PEOPLE)]);
    let elsewhere = TempDir::new().expect("a folder");
    let real = elsewhere.path().join("real.toml");
    fs::write(&real, "[people]\nfile = \"people.toml\"\n").expect("it is writable");
    let link = desk.folder.path().join("frontdesk.toml");
    std::os::unix::fs::symlink(&real, &link).expect("it is writable");
    let data = desk.folder.path().join("data");
    let site = Site::load(load_config(Some(&link), &data).expect("they are good")).expect("it is good");
    Setup::new(Some(link.clone()), data, site).make_file(Content::Hours).expect("it is made");
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert!(fs::read_to_string(&real).expect("it is there").contains("hours.toml"));
    assert_eq!(desk.files(), ["data", "frontdesk.toml", "hours.toml", "people.toml"]);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("it is there").count(), 1, "no draft is left");
}

#[test]
fn topics_are_changed_at_every_depth() {
    let desk = DeskTest::with(&[("frontdesk.toml", "")]);
    desk.setup.make_file(Content::Answers).expect("there are settings");
    let topics = || topics_of(&desk.text("answers.toml"));
    let seen = || desk.seen(Content::Answers);
    assert_eq!(topics().len(), 5);
    let form = TopicForm { key: "1".to_owned(), name: "parking".to_owned(), say: vec!["answer-fees".to_owned()] };
    desk.setup.add_topic(&seen(), &TopicWay::read("2"), &form).expect("it is good");
    let way = TopicWay::read("2-1");
    assert!(topics().contains(&(way.clone(), form.clone())), "{:?}", topics());
    let unknown = TopicForm { say: vec!["answer-parking".to_owned()], ..form.clone() };
    assert!(matches!(desk.setup.change_topic(&seen(), &way, &unknown), Err(Refusal::Faults(_))));
    let renamed = TopicForm { name: "fees of parking".to_owned(), ..form };
    desk.setup.change_topic(&seen(), &way, &renamed).expect("it is good");
    assert!(topics().contains(&(way.clone(), renamed)));
    desk.setup.remove_topic(&seen(), &way).expect("it is there");
    assert_eq!(desk.text("answers.toml"), Content::Answers.built_in());
    assert!(matches!(desk.setup.remove_topic(&seen(), &way), Err(Refusal::Gone(_))));
}

fn tone(rate_hz: u32, level_dbm0: f64, ms: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    wav::write(&mut file, &Clip { rate_hz, samples: tone_gen::sine(300.0, level_dbm0, ms, rate_hz) }).expect("memory");
    file.into_inner()
}

#[test]
fn a_recording_is_offered_accepted_and_taken_back_without_any_loss() {
    let desk = DeskTest::with(&[]);
    let (setup, zh) = (&desk.setup, Lang::new("zh"));
    let voice = || setup.prompt("greeting").expect("it is built in").voices.remove(0);
    assert_eq!((voice().audio.expect("it is spoken").1, voice().offered_ms), (Provenance::BuiltIn, None));
    assert!(voice().text.contains("光明物业"), "{}", voice().text);
    let offer = setup.offer_prompt(&zh, "greeting", &tone(44_100, -25.0, 1_500)).expect("it is good");
    assert_eq!((offer.rate_hz, offer.duration_ms), (44_100, voice().offered_ms.expect("it waits")));
    let heard = || setup.prompt_wav(&zh, "greeting", Which::Now).expect("it is there");
    let (built_in, offered) = (heard(), setup.prompt_wav(&zh, "greeting", Which::Offered).expect("it waits"));
    assert_ne!(built_in, offered);
    desk.accept("zh", "greeting").expect("it waits");
    setup.reload().expect("it is good");
    assert_eq!((voice().audio.expect("it is there").1, voice().offered_ms), (Provenance::Own, None));
    assert_eq!(heard(), offered);
    let data = desk.folder.path().join("data");
    assert!(data.join("prompts/zh/greeting.wav").exists());
    // A second one takes its place, and the first is offered.
    setup.offer_prompt(&zh, "greeting", &tone(16_000, -20.0, 900)).expect("it is good");
    desk.accept("zh", "greeting").expect("it waits");
    setup.reload().expect("it is good");
    assert_eq!(setup.prompt_wav(&zh, "greeting", Which::Offered).as_ref(), Some(&offered));
    setup.restore_prompt(&zh, "greeting").expect("it is an own one");
    setup.reload().expect("it is good");
    assert_eq!((heard(), voice().audio.expect("it is there").1), (built_in, Provenance::BuiltIn));
    assert!(voice().offered_ms.is_some());
    setup.drop_offer(&zh, "greeting", &voice().offered.expect("it waits")).expect("it was heard");
    assert!(matches!(desk.accept("zh", "greeting"), Err(Refusal::Gone(_))));
    assert!(matches!(setup.restore_prompt(&zh, "greeting"), Err(Refusal::Gone(_))));
}

#[test]
fn only_what_was_heard_is_accepted_or_dropped() {
    let desk = DeskTest::with(&[]);
    let zh = Lang::new("zh");
    let offer = |level| desk.setup.offer_prompt(&zh, "greeting", &tone(16_000, level, 900)).expect("it is good");
    let offered = || desk.setup.prompt("greeting").expect("it is known").voices.remove(0).offered.expect("it waits");
    offer(-20.0);
    let heard = offered();
    desk.setup.offer_prompt(&zh, "greeting", &tone(16_000, -20.0, 1_500)).expect("it is good");
    assert!(matches!(desk.setup.accept_prompt(&zh, "greeting", &heard), Err(Refusal::OtherOffer)));
    assert!(matches!(desk.setup.drop_offer(&zh, "greeting", &heard), Err(Refusal::OtherOffer)));
    let data = desk.folder.path().join("data");
    assert!(data.join("offered-prompts/zh/greeting.before.wav").exists(), "the first one is kept");
    desk.setup.accept_prompt(&zh, "greeting", &offered()).expect("it was heard");
    assert!(data.join("prompts/zh/greeting.wav").exists());
}

#[test]
fn a_recording_that_an_answer_needs_is_not_deleted() {
    let desk = DeskTest::with(&[("frontdesk.toml", "")]);
    desk.setup.make_file(Content::Answers).expect("there are settings");
    let zh = Lang::new("zh");
    desk.setup.add_prompt("answer-water", &[(zh.clone(), "今天停水。".to_owned())]).expect("it is new");
    desk.setup.reload().expect("it is good");
    desk.setup.offer_prompt(&zh, "answer-water", &tone(16_000, -20.0, 900)).expect("it is good");
    desk.accept("zh", "answer-water").expect("it waits");
    desk.setup.reload().expect("it is good");
    let voice = |id: &str| desk.setup.prompt(id).expect("it is known").voices.remove(0);
    assert!(!voice("answer-water").has_beneath);
    let form = TopicForm { key: "8".to_owned(), name: "water".to_owned(), say: vec!["answer-water".to_owned()] };
    desk.setup.add_topic(&desk.seen(Content::Answers), &TopicWay::default(), &form).expect("it is good");
    let refused = desk.setup.restore_prompt(&zh, "answer-water").expect_err("the answer says it");
    assert!(matches!(refused, Refusal::Faults(_)), "{refused:?}");
    desk.setup.reload().expect("nothing was changed");
    assert_eq!(voice("answer-water").audio.map(|(_, from)| from), Some(Provenance::Own));
    assert_eq!(voice("answer-water").offered, None);
    desk.setup.remove_topic(&desk.seen(Content::Answers), &TopicWay::read("8")).expect("it is there");
    desk.setup.restore_prompt(&zh, "answer-water").expect("nothing needs it");
    desk.setup.reload().expect("it is good");
    assert_eq!(voice("answer-water").audio, None);
    let own = desk.folder.path().join("data/prompts/zh");
    let names: Vec<_> = fs::read_dir(own).expect("it is there").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names, ["catalogue.toml"]);
}

#[test]
fn what_was_said_by_telephone_is_taken_once() {
    let desk = DeskTest::with(&[]);
    let recordings = desk.folder.path().join("data/recordings/2026");
    fs::create_dir_all(&recordings).expect("it is writable");
    fs::write(recordings.join("1.wav"), tone(8_000, -25.0, 1_200)).expect("it is writable");
    let take = |errand, recording: &str| {
        let recording = RecordingId(recording.to_owned());
        desk.setup.offer_recording(&Lang::new("en"), "greeting", ErrandId(errand), &recording)
    };
    assert!(desk.setup.can_record());
    assert!(take(4, "2026/1.wav").expect("it is good").is_some_and(|offer| offer.rate_hz == 8_000));
    assert!(take(4, "2026/1.wav").expect("it is good").is_none());
    assert!(matches!(take(5, "../frontdesk.db"), Err(Unusable::Refused(Refusal::Gone(_)))));
    // The disk does not give it now, and does later; what is no use is told each time.
    assert!(matches!(take(6, "2026/2.wav"), Err(Unusable::Refused(Refusal::Disk { .. }))));
    fs::write(recordings.join("2.wav"), tone(8_000, -90.0, 1_200)).expect("it is writable");
    for _ in 0..2 {
        assert!(matches!(take(6, "2026/2.wav"), Err(Unusable::Silent)));
    }
    fs::write(recordings.join("2.wav"), tone(8_000, -25.0, 900)).expect("it is writable");
    assert!(take(6, "2026/2.wav").expect("it is good").is_some());
    assert!(desk.setup.prompt_wav(&Lang::new("en"), "greeting", Which::Offered).is_some());
}

#[test]
fn own_recordings_pass_the_check_of_prompts() {
    let desk = DeskTest::with(&[]);
    desk.setup.offer_prompt(&Lang::new("zh"), "greeting", &tone(48_000, -30.0, 1_500)).expect("it is good");
    desk.accept("zh", "greeting").expect("it waits");
    let config = load_config(None, &desk.folder.path().join("data")).expect("they are good");
    let name = |_: &Lang| config.desk.name.clone();
    let told = crate::prompts::audio_check::check(&crate::prompts::LibraryOptions {
        dir: config.prompts.path().map(ToOwned::to_owned),
        languages: config.desk.languages.clone(),
        desk_name: &name,
    });
    assert!(config.prompts.path().is_some() && told.is_empty(), "{told:?}");
}

#[test]
fn what_is_no_usable_recording_is_told_plainly() {
    let desk = DeskTest::with(&[]);
    let offer = |bytes: &[u8]| desk.setup.offer_prompt(&Lang::new("zh"), "greeting", bytes).expect_err("it is bad");
    assert!(matches!(offer(b"<html>"), Unusable::NoAudio(_)));
    assert!(matches!(offer(&tone(16_000, -20.0, 1_000)[..30]), Unusable::NoAudio(_)));
    assert!(matches!(offer(&tone(16_000, -90.0, 1_000)), Unusable::Silent));
    let quiet = offer(&tone(16_000, -42.0, 1_000));
    assert!(matches!(quiet, Unusable::TooQuiet { .. }), "{quiet:?}");
    assert!(matches!(offer(&tone(16_000, 9.0, 1_000)), Unusable::TooLoud { .. }));
    assert!(matches!(offer(&tone(8_000, -20.0, 121_000)), Unusable::TooLong));
    assert!(matches!(offer(&vec![0; prompts::UPLOAD_BYTES_MAX + 1]), Unusable::TooBig));
    let to = |lang: &str, id: &str| desk.setup.offer_prompt(&Lang::new(lang), id, &tone(16_000, -20.0, 900));
    for (lang, id) in [("zh", "../../x"), ("../zh", "greeting"), ("fr", "greeting"), ("zh", "unknown-prompt")] {
        assert!(matches!(to(lang, id), Err(Unusable::Refused(Refusal::Gone(_)))), "{lang}/{id}");
    }
    assert!(!desk.folder.path().join("data/offered-prompts").exists());
}

#[test]
fn a_prompt_of_the_desks_own_gets_its_texts_and_then_its_recording() {
    let desk = DeskTest::with(&[]);
    let texts = [(Lang::new("zh"), "今天停水。".to_owned()), (Lang::new("en"), String::new())];
    desk.setup.add_prompt("answer-water", &texts).expect("it is new");
    desk.setup.reload().expect("it is good");
    let prompt = desk.setup.prompt("answer-water").expect("it is there");
    assert_eq!((prompt.group.as_str(), prompt.voices[0].text.as_str()), ("desk", "今天停水。"));
    assert_eq!(prompt.voices[0].audio, None);
    desk.setup.offer_prompt(&Lang::new("zh"), "answer-water", &tone(16_000, -20.0, 900)).expect("it is good");
    desk.accept("zh", "answer-water").expect("it waits");
    assert!(desk.setup.reload().expect("it is good").prompts.has("answer-water"));
    for (id, text) in [("answer-water", "x"), ("Answer", "x"), ("answer-fire", " ")] {
        let texts = [(Lang::new("zh"), text.to_owned())];
        assert!(matches!(desk.setup.add_prompt(id, &texts), Err(Refusal::Form { .. })), "{id}");
    }
    let rude = [(Lang::new("zh"), "我不知道。".to_owned())];
    assert!(matches!(desk.setup.add_prompt("answer-rude", &rude), Err(Refusal::Faults(_))), "R8");
}

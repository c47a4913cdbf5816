//! How the desk's content is changed while the line runs: people, hours, answers, and what is said.
//!
//! One way for every change of a file. The text as it is now is read, changed with its comments kept (`toml_file`), and
//! written beside its file as a draft. The draft is then checked as a whole site: settings and everything that they name,
//! with the draft in its file's place. With any fault nothing is changed. Without, the draft takes the file's place, and
//! whoever asked has the daemon read everything again, as on SIGHUP. Where somebody else changed the same thing since it was
//! shown, nothing is written either, and both are told.
//!
//! - `content`: the files that may be changed. `toml_file`: changes that leave the rest as it is.
//! - `people`, `hours`, `answers`: from what a form says to the file's tables.
//! - `prompts`: recordings of the desk's own, heard before they take the place of what is built in.
//!
//! Invariants: a file is the old one or the new one, never half of either. What is written is good. Nothing outside the named
//! files and the data folder is written, whatever a form says.

mod answers;
mod content;
mod hours;
mod people;
pub mod prompts;
pub mod toml_file;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use toml_edit::{DocumentMut, Item, Table};

pub use self::answers::{TopicForm, TopicWay, topics_of};
pub use self::content::{Content, ContentFile, Fingerprint, Place, TEXT_BYTES_MAX};
pub use self::hours::{At, DAYS, HolidayForm, WorkdayForm, week_of, written_days};
pub use self::people::{PersonForm, person_form};

use self::toml_file::Draft;
use crate::config::{self, Config, Source};
use crate::desk::told::{Told, told};
use crate::site::Site;
use crate::types::Problem;

/// The folder of the desk's own recordings in the data folder, where `[prompts] dir` names none.
const OWN_PROMPTS: &str = "prompts";
/// Texts that are remembered as they were shown; with one more the oldest goes.
const SHOWN_MAX: usize = 6;

/// The settings, with the desk's own recordings where `[prompts] dir` names no folder.
///
/// # Errors
/// Every fault of them.
pub fn load_config(file: Option<&Path>, data: &Path) -> Result<Config, Vec<Problem>> {
    Ok(with_own_prompts(config::load(file, config::process_env())?, data))
}

/// The same of settings that were read before.
pub fn with_own_prompts(mut config: Config, data: &Path) -> Config {
    let own = data.join(OWN_PROMPTS);
    if config.prompts == Source::BuiltIn && own.is_dir() {
        config.prompts = in_place_of(&config.prompts, own);
    }
    config
}

/// A file or folder in the place of one that the settings name.
fn in_place_of(source: &Source, path: PathBuf) -> Source {
    let place = match source {
        Source::At { place, .. } => place.clone(),
        Source::BuiltIn => config::Place { file: path.display().to_string(), line: None },
    };
    Source::At { path, place }
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum Refusal {
    /// No file is named: it is built into the program.
    BuiltIn(Place),
    /// Somebody else changed it since: how it is now, and how it was shown, where that is remembered.
    Changed { now: String, before: Option<String> },
    /// What a form says can't be written: which field, and what to write instead.
    Form { field: &'static str, what: Told },
    /// Another recording is offered than the one that was heard.
    OtherOffer,
    /// There is no such person, holiday, topic or prompt any more.
    Gone(Told),
    /// The site would not be good.
    Faults(Vec<Problem>),
    /// The disk does not take it.
    Disk { path: PathBuf, what: Told },
}

impl Refusal {
    fn disk(path: &Path, error: &io::Error) -> Self {
        Refusal::Disk { path: path.to_owned(), what: of_disk(error) }
    }

    /// A file that can't be read as TOML, with where.
    fn unreadable(path: &Path, fault: &toml_edit::TomlError) -> Self {
        let what = told!("文件写法有误，请先改正：{fault}", "mend the file first: {fault}");
        Refusal::Disk { path: path.to_owned(), what }
    }
}

/// What the disk says; the usual in both languages, the rest as the system has it.
fn of_disk(error: &io::Error) -> Told {
    let zh = match error.kind() {
        io::ErrorKind::NotFound => "文件或文件夹不存在",
        io::ErrorKind::PermissionDenied => "服务进程没有这个文件或文件夹的权限",
        io::ErrorKind::ReadOnlyFilesystem => "服务进程不能写入这里（只读）",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "磁盘已满",
        io::ErrorKind::InvalidData => "不是 UTF-8 文本",
        _ => return told!("磁盘出错（{error}）", "{error}"),
    };
    Told::new(zh, error.to_string())
}

/// What a change came to: the file that was written, and what should be mended all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub path: PathBuf,
    pub warnings: Vec<Problem>,
}

/// Settings and content of the running desk, and the way to change them. Clones share it.
#[derive(Clone)]
pub struct Setup(Arc<Shared>);

struct Shared {
    settings: Option<PathBuf>,
    data: PathBuf,
    site: RwLock<Arc<Site>>,
    /// One change at a time.
    writing: Mutex<()>,
    /// Files as they were shown of late: to tell what somebody else changed in them.
    shown: Mutex<VecDeque<String>>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("settings", &self.0.settings).field("data", &self.0.data).finish_non_exhaustive()
    }
}

impl Setup {
    /// `settings`: the file with which the program was started.
    pub fn new(settings: Option<PathBuf>, data: PathBuf, site: Site) -> Self {
        Self(Arc::new(Shared {
            settings,
            data,
            site: RwLock::new(Arc::new(site)),
            writing: Mutex::new(()),
            shown: Mutex::default(),
        }))
    }

    /// Reads everything again, as SIGHUP does.
    ///
    /// # Errors
    /// Every fault of it; then what was read before stands.
    pub fn reload(&self) -> Result<Site, Vec<Problem>> {
        let site = Site::load(self.config()?)?;
        *self.0.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(site.clone());
        Ok(site)
    }

    /// With which calls are served now.
    pub fn site(&self) -> Arc<Site> {
        Arc::clone(&self.0.site.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The files of trunks and of telephones, where there are any.
    pub fn files_of_lines(&self) -> (Option<String>, Option<String>) {
        let site = self.site();
        let name = |source: &Source| source.path().map(|path| path.display().to_string());
        (name(&site.config.trunks), name(&site.config.phones))
    }

    pub(in crate::setup) fn data(&self) -> &Path {
        &self.0.data
    }

    fn config(&self) -> Result<Config, Vec<Problem>> {
        load_config(self.0.settings.as_deref(), &self.0.data)
    }

    /// A file as it is now on the disk, which the line may not have read yet.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn file(&self, content: Content) -> Result<ContentFile, Refusal> {
        let config = self.config().map_err(Refusal::Faults)?;
        let file = self.file_of(content, &config)?;
        self.remember(&file.text);
        Ok(file)
    }

    fn remember(&self, text: &str) {
        let mut shown = self.0.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|other| other != text);
        if shown.len() >= SHOWN_MAX {
            shown.pop_front();
        }
        shown.push_back(text.to_owned());
    }

    /// Whether a text is the one that was seen.
    fn is_seen(&self, now: &str, seen: &Fingerprint) -> Result<(), Refusal> {
        if Fingerprint::of(now) == *seen {
            return Ok(());
        }
        let shown = self.0.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shown.iter().find(|text| Fingerprint::of(text) == *seen).cloned();
        Err(Refusal::Changed { now: now.to_owned(), before })
    }

    fn file_of(&self, content: Content, config: &Config) -> Result<ContentFile, Refusal> {
        let built_in = |at| ContentFile { text: content.built_in().to_owned(), at };
        match content.source(config) {
            Source::At { path, .. } => match content::read(path) {
                Ok(text) => Ok(ContentFile { text, at: Place::File(path.clone()) }),
                Err(what) => Err(Refusal::Disk { path: path.clone(), what }),
            },
            Source::BuiltIn => Ok(built_in(match &self.0.settings {
                Some(settings) => Place::BuiltIn { settings: settings.clone() },
                None => Place::NoSettings,
            })),
        }
    }

    /// Writes a whole text in a file's place.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn write(&self, content: Content, seen: &Fingerprint, text: &str) -> Result<Written, Refusal> {
        if text.len() > TEXT_BYTES_MAX {
            let mb = TEXT_BYTES_MAX >> 20;
            let what = told!("文本超过 {mb} MB", "the text is longer than {mb} MB");
            return Err(Refusal::Form { field: "text", what });
        }
        self.change_text(content, |now| {
            self.is_seen(now, seen)?;
            // Browsers end lines of a form with CR LF.
            Ok(toml_file::like(now, text.replace("\r\n", "\n")))
        })
    }

    /// Changes a file's tables; comments and all else stay.
    fn change(
        &self,
        content: Content,
        edit: impl FnOnce(&mut DocumentMut) -> Result<(), Refusal>,
    ) -> Result<Written, Refusal> {
        self.change_text(content, |now| edited(content, now, edit))
    }

    /// The same, of a file whose whole text is as it was seen.
    fn change_seen(
        &self,
        content: Content,
        seen: &Fingerprint,
        edit: impl FnOnce(&mut DocumentMut) -> Result<(), Refusal>,
    ) -> Result<Written, Refusal> {
        self.change_text(content, |now| {
            // By the text itself: the parser keeps neither its byte order mark nor its line ends.
            self.is_seen(now, seen)?;
            edited(content, now, edit)
        })
    }

    fn change_text(
        &self,
        content: Content,
        edit: impl FnOnce(&str) -> Result<String, Refusal>,
    ) -> Result<Written, Refusal> {
        let _alone = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.config().map_err(Refusal::Faults)?;
        let now = self.file_of(content, &config)?;
        let Place::File(path) = now.at else { return Err(Refusal::BuiltIn(now.at)) };
        let draft = Draft::beside(&path, &edit(&now.text)?).map_err(|error| Refusal::disk(&path, &error))?;
        let warnings = check(config, content, &draft, &path)?;
        // An editor at the machine may have been faster.
        let still = content::read(&path).map_err(|what| Refusal::Disk { path: path.clone(), what })?;
        if still != now.text {
            return Err(Refusal::Changed { now: still, before: Some(now.text) });
        }
        draft.put().map_err(|error| Refusal::disk(&path, &error))?;
        Ok(Written { path, warnings })
    }

    /// Makes what is built in a file beside the settings, and names it in them: it can be changed from then on.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn make_file(&self, content: Content) -> Result<Written, Refusal> {
        let _alone = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.config().map_err(Refusal::Faults)?;
        let settings = match self.file_of(content, &config)?.at {
            Place::File(path) => return Ok(Written { path, warnings: Vec::new() }),
            Place::NoSettings => return Err(Refusal::BuiltIn(Place::NoSettings)),
            Place::BuiltIn { settings } => settings,
        };
        let path = settings.with_file_name(content.file_name());
        if path.exists() {
            let section = content.as_str();
            let what = told!(
                "文件已经存在，但设置的 [{section}] 没有写它：请写入设置，或移走文件",
                "it is there, but [{section}] does not name it: do so, or take it away"
            );
            return Err(Refusal::Disk { path, what });
        }
        let text = content::read(&settings).map_err(|what| Refusal::Disk { path: settings.clone(), what })?;
        let mut document: DocumentMut = text.parse().map_err(|fault| Refusal::unreadable(&settings, &fault))?;
        let section = document.entry(content.as_str()).or_insert_with(|| {
            let mut section = Table::new();
            section.decor_mut().set_prefix("\n");
            Item::Table(section)
        });
        match section.as_table_like_mut() {
            Some(section) => drop(section.insert("file", toml_edit::value(content.file_name()))),
            None => {
                let section = content.as_str();
                let what = told!("文件里的 `{section}` 不是一节", "`{section}` is no section there");
                return Err(Refusal::Disk { path: settings, what });
            }
        }
        let text = toml_file::like(&text, document.to_string());
        let disk = |error: io::Error| Refusal::disk(&settings, &error);
        let named = Draft::beside(&settings, &text).map_err(disk)?;
        // The settings may be a link: their names are read from the folder of the link, so the check reads a draft there.
        let looked_at = Draft::at(&settings, &text).map_err(disk)?;
        let file = Draft::of_new(&path, content.built_in()).map_err(|error| Refusal::disk(&path, &error))?;
        // First the file, then its name: a crash between them leaves a file that nothing names.
        file.put().map_err(|error| Refusal::disk(&path, &error))?;
        let checked = load_config(Some(looked_at.drafted()), &self.0.data).and_then(Site::load).map_err(|faults| {
            let name = looked_at.drafted().display().to_string();
            Refusal::Faults(renamed(faults, &name, &settings.display().to_string()))
        });
        let put = checked.and_then(|site| {
            named.put().map_err(disk)?;
            Ok(site.warnings)
        });
        if put.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        put.map(|warnings| Written { path, warnings })
    }
}

fn edited(
    content: Content,
    now: &str,
    edit: impl FnOnce(&mut DocumentMut) -> Result<(), Refusal>,
) -> Result<String, Refusal> {
    let mut document: DocumentMut = now.parse().map_err(|fault: toml_edit::TomlError| {
        Refusal::Faults(vec![Problem {
            file: content.file_name().to_owned(),
            line: None,
            what: fault.to_string(),
            remedy: "mend the file first".to_owned(),
        }])
    })?;
    edit(&mut document)?;
    Ok(toml_file::like(now, document.to_string()))
}

/// Whether the site would be good with this draft; gives what should be mended all the same.
fn check(mut config: Config, content: Content, draft: &Draft, path: &Path) -> Result<Vec<Problem>, Refusal> {
    let source = content.source_mut(&mut config);
    *source = in_place_of(source, draft.drafted().to_owned());
    let (drafted, named) = (draft.drafted().to_string_lossy().into_owned(), path.to_string_lossy().into_owned());
    match Site::load(config) {
        Ok(site) => Ok(renamed(site.warnings, &drafted, &named)),
        Err(faults) => Err(Refusal::Faults(renamed(faults, &drafted, &named))),
    }
}

/// Faults of a draft are told as those of its file.
fn renamed(mut problems: Vec<Problem>, draft: &str, file: &str) -> Vec<Problem> {
    for problem in &mut problems {
        if problem.file == draft {
            file.clone_into(&mut problem.file);
        }
        problem.what = problem.what.replace(draft, file);
    }
    problems
}

#[cfg(test)]
mod tests;

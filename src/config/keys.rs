//! The table of settings: what a section's keys are called, what they mean and what holds when they are left out.
//!
//! The reader, the "did you mean", the remedies and `docs/configuration*.md` all live on this one table; tests walk it.

/// One key of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    /// The default as it would be written in the file; `None` when leaving it out means something of its own.
    pub default: Option<&'static str>,
    /// A right value as it would be written in the file: what remedies show.
    pub example: &'static str,
    /// Meaning, with units and limits, in English.
    pub en: &'static str,
    /// The same in Chinese.
    pub zh: &'static str,
}

/// One section of the file with its keys, in the order of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionKeys {
    pub name: &'static str,
    /// What the section is about.
    pub en: &'static str,
    pub zh: &'static str,
    pub keys: &'static [Key],
}

impl SectionKeys {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }
}

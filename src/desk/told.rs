//! What the desk tells the people who work at it, in both of their languages, with what it is about.

use std::fmt;

use super::report::table::{Both, Tongue};

/// A sentence in Chinese and English. As plain text it is the English one: the command line, the API and the log show that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    zh: String,
    en: String,
}

impl Told {
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    pub fn of(&self, tongue: Tongue) -> &str {
        match tongue {
            Tongue::Zh => &self.zh,
            Tongue::En => &self.en,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl From<Both> for Told {
    fn from(both: Both) -> Self {
        Self::new(both.zh, both.en)
    }
}

/// What is the same in both: a name, or what a file, a library or another program says.
impl From<String> for Told {
    fn from(text: String) -> Self {
        Self { zh: text.clone(), en: text }
    }
}

impl From<&str> for Told {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// `told!("工单 {number} 已关闭", "ticket {number} is closed")`, each as `format!` has it.
macro_rules! told {
    ($zh:literal, $en:literal $(,)?) => {
        $crate::desk::told::Told::new(format!($zh), format!($en))
    };
}
pub(crate) use told;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_sentence_with_the_same_facts() {
        let number = "20261128-0007";
        let closed = told!("工单 {number} 已关闭", "ticket {number} is closed");
        assert_eq!(closed.of(Tongue::Zh), "工单 20261128-0007 已关闭");
        assert_eq!(
            (closed.of(Tongue::En), closed.to_string().as_str()),
            ("ticket 20261128-0007 is closed", closed.of(Tongue::En))
        );
        assert_eq!(Told::from("x").of(Tongue::Zh), "x");
    }
}

//! Telephones of the desk (`phones.toml`): which accounts may register, and whose phone each is.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::types::{Problem, Reader, Redacted};

/// Accounts in one file.
const PHONES_MAX: usize = 2_000;
const USER_CHARS_MAX: usize = 32;
const PASSWORD_CHARS_MAX: usize = 128;

/// What is known of a phone's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneSecret {
    Password(Redacted<String>),
    /// Hashes of `user:realm:password` in hex, in lower case; at least one.
    Ha1 {
        md5: Option<Redacted<String>>,
        sha256: Option<Redacted<String>>,
    },
}

/// One account, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    pub user: String,
    pub secret: PhoneSecret,
    /// It stumbles over any other challenge than MD5.
    pub md5_only: bool,
    /// The person's whose phone it is.
    pub extension: Option<String>,
    /// 1-based line.
    pub line: usize,
}

/// A telephone that is registered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredPhone {
    /// Its account.
    pub user: String,
    /// What it calls itself.
    pub contact: String,
    /// `192.0.2.7:5060`: where its REGISTER came from.
    pub reached_at: String,
    /// Until it must register again.
    pub expires_in_s: u64,
}

/// All accounts, by user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phones {
    phones: Vec<Phone>,
}

impl Phones {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Phones, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let phones = reader.read::<RawPhones>("phones", &document).map(|raw| ready(raw, &mut reader));
        reader.finish(phones)
    }

    /// The built-in phones (`config/phones.toml`): none.
    pub fn default_text() -> &'static str {
        include_str!("../../config/phones.toml")
    }

    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// The accounts whose phones are that person's.
    pub fn of(&self, extension: &str) -> impl Iterator<Item = &Phone> {
        self.phones.iter().filter(move |phone| phone.extension.as_deref() == Some(extension))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPhones {
    #[serde(default)]
    phone: Vec<Spanned<RawPhone>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPhone {
    user: Spanned<String>,
    password: Option<Spanned<String>>,
    ha1_md5: Option<Spanned<String>>,
    ha1_sha256: Option<Spanned<String>>,
    #[serde(default)]
    md5_only: bool,
    extension: Option<Spanned<String>>,
}

fn ready(raw: RawPhones, reader: &mut Reader<'_>) -> Phones {
    if raw.phone.len() > PHONES_MAX {
        reader.problem(None, format!("there are {} phones", raw.phone.len()), format!("write at most {PHONES_MAX}"));
        return Phones::default();
    }
    let mut phones: BTreeMap<String, Phone> = BTreeMap::new();
    for phone in raw.phone {
        let at = phone.get_ref().user.span().start;
        let Some(phone) = ready_phone(phone.into_inner(), reader) else { continue };
        let user = phone.user.clone();
        if let Some(first) = phones.insert(user.clone(), phone) {
            let what = format!("user {user} stands twice, first in line {}", first.line);
            reader.problem(Some(at), what, "write each phone's account once; several phones may share it");
        }
    }
    Phones { phones: phones.into_values().collect() }
}

fn ready_phone(raw: RawPhone, reader: &mut Reader<'_>) -> Option<Phone> {
    let at = raw.user.span().start;
    let line = reader.line(at);
    let user = raw.user.into_inner();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if user.is_empty() || user.len() > USER_CHARS_MAX || !user.chars().all(plain) {
        let remedy = format!("write 1 to {USER_CHARS_MAX} letters, digits, dots, `_` or `-`");
        reader.problem(Some(at), format!("`{user}` can't be a phone's user"), remedy);
    }
    let secret = match (raw.password, raw.ha1_md5, raw.ha1_sha256) {
        (Some(password), None, None) => Some(PhoneSecret::Password(password_of(password, &user, reader))),
        (None, None, None) => {
            reader.problem(Some(at), format!("phone {user} has no password"), "write password = \"...\"");
            None
        }
        (Some(password), _, _) => {
            let what = format!("phone {user} has both a password and a hash of it");
            reader.problem(Some(password.span().start), what, "keep one of them");
            None
        }
        (None, md5, sha256) => {
            let md5 = md5.map(|hash| hash_of(hash, 32, "ha1_md5", reader));
            let sha256 = sha256.map(|hash| hash_of(hash, 64, "ha1_sha256", reader));
            if raw.md5_only && md5.is_none() {
                let what = format!("phone {user} is md5_only but has no ha1_md5");
                reader.problem(Some(at), what, "write ha1_md5, or leave md5_only out");
            }
            Some(PhoneSecret::Ha1 { md5, sha256 })
        }
    };
    let extension = raw.extension.map(|extension| extension_of(extension, reader));
    Some(Phone { user, secret: secret?, md5_only: raw.md5_only, extension, line })
}

fn password_of(password: Spanned<String>, user: &str, reader: &mut Reader<'_>) -> Redacted<String> {
    let at = Some(password.span().start);
    let password = password.into_inner();
    if password.is_empty() || password.chars().count() > PASSWORD_CHARS_MAX {
        let remedy = format!("write 1 to {PASSWORD_CHARS_MAX} characters");
        reader.problem(at, format!("the password of phone {user} is empty or too long"), remedy);
    } else if password == user {
        let what = format!("the password of phone {user} is its user");
        reader.problem(at, what, "write another: this one is tried first by everybody");
    }
    Redacted(password)
}

/// The hash itself is not told: it is as good as the password.
fn hash_of(hash: Spanned<String>, chars: usize, key: &str, reader: &mut Reader<'_>) -> Redacted<String> {
    let at = Some(hash.span().start);
    let hash = hash.into_inner().to_ascii_lowercase();
    if hash.len() != chars || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        reader.problem(
            at,
            format!("{key} is no such hash"),
            format!("write {chars} hex digits; docs/phones.md shows how"),
        );
    }
    Redacted(hash)
}

fn extension_of(extension: Spanned<String>, reader: &mut Reader<'_>) -> String {
    let at = Some(extension.span().start);
    let extension = extension.into_inner();
    if extension.is_empty() || extension.len() > 8 || !extension.bytes().all(|b| b.is_ascii_digit()) {
        reader.problem(
            at,
            format!("`{extension}` is no extension"),
            "write the 1 to 8 digits of a person in people.toml",
        );
    }
    extension
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Phones::parse(text, "phones.toml").expect_err("it has faults").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn none_is_built_in_and_the_example_in_it_is_good() {
        assert_eq!(Phones::parse(Phones::default_text(), "built-in phones"), Ok(Phones::default()));
        let example: Vec<&str> = Phones::default_text().lines().skip(2).filter_map(|l| l.strip_prefix("# ")).collect();
        let phones = Phones::parse(&example.join("\n"), "phones.toml").expect("the example is good");
        assert_eq!(phones.of("201").map(|phone| phone.user.as_str()).collect::<Vec<_>>(), ["100"]);
    }

    #[test]
    fn passwords_and_hashes_are_taken_and_never_shown() {
        let md5 = "939E7578ed9e3c518a452acee763bce9";
        let text =
            format!("[[phone]]\nuser = \"b\"\npassword = \"s3cret\"\n[[phone]]\nuser = \"a\"\nha1_md5 = \"{md5}\"");
        let phones = Phones::parse(&text, "phones.toml").expect("it is good");
        let [a, b] = phones.phones() else { panic!("two phones are expected") };
        let hashes = PhoneSecret::Ha1 { md5: Some(Redacted(md5.to_ascii_lowercase())), sha256: None };
        assert_eq!((a.user.as_str(), &a.secret, a.line), ("a", &hashes, 5));
        assert_eq!(b.secret, PhoneSecret::Password(Redacted("s3cret".to_owned())));
        assert!(!format!("{phones:?}").contains("s3cret") && !format!("{phones:?}").contains("939e"));
    }

    #[test]
    fn all_faults_are_told_with_their_lines() {
        let text = "\
[[phone]]
user = \"1 0\"
password = \"\"
extension = \"x\"
[[phone]]
user = \"100\"
[[phone]]
user = \"101\"
password = \"a\"
ha1_md5 = \"b\"
[[phone]]
user = \"102\"
ha1_md5 = \"b\"
ha1_sha256 = \"c\"
[[phone]]
user = \"103\"
password = \"103\"
[[phone]]
user = \"103\"
pasword = \"x\"
[[phone]]
user = \"104\"
md5_only = true
ha1_sha256 = \"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"
";
        // Unknown words keep the rest from being looked at closely: they are told first.
        let told = faults(text);
        assert_eq!(told, ["phones.toml:20: phones: unknown word `pasword`; did you mean `password`?"]);
        let told = faults(&text.replace("pasword", "password"));
        assert_eq!(told, EXPECTED);
    }

    const EXPECTED: [&str; 10] = [
        "phones.toml:2: `1 0` can't be a phone's user; write 1 to 32 letters, digits, dots, `_` or `-`",
        "phones.toml:3: the password of phone 1 0 is empty or too long; write 1 to 128 characters",
        "phones.toml:4: `x` is no extension; write the 1 to 8 digits of a person in people.toml",
        "phones.toml:6: phone 100 has no password; write password = \"...\"",
        "phones.toml:9: phone 101 has both a password and a hash of it; keep one of them",
        "phones.toml:13: ha1_md5 is no such hash; write 32 hex digits; docs/phones.md shows how",
        "phones.toml:14: ha1_sha256 is no such hash; write 64 hex digits; docs/phones.md shows how",
        "phones.toml:17: the password of phone 103 is its user; write another: this one is tried first by everybody",
        "phones.toml:19: user 103 stands twice, first in line 16; write each phone's account once; several phones may share it",
        "phones.toml:22: phone 104 is md5_only but has no ha1_md5; write ha1_md5, or leave md5_only out",
    ];
}

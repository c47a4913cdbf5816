//! Enums that have words: the same ones in JSON, in the database and in filters on the command line.

/// A word that none of an enum's variants has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {known}")]
pub struct UnknownWord {
    pub word: String,
    /// The words there are, separated by commas.
    pub known: String,
}

/// Gives an enum `ALL`, `as_str`, `Display` and `FromStr` from one table.
macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// Its word in JSON and in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($type::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::desk::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                $type::ALL.iter().copied().find(|v| v.as_str() == word).ok_or_else(|| {
                    $crate::desk::words::UnknownWord {
                        word: word.to_owned(),
                        known: [$($word),+].join(", "),
                    }
                })
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::desk::call_record::Outcome;
    use crate::desk::message::Relay;
    use crate::desk::on_duty::Because;
    use crate::desk::people::Duty;
    use crate::desk::presence::Whereabouts;
    use crate::desk::ticket::{Channel, Class, Kind, Status, Urgency};

    /// The word of JSON (serde) and the word of the table are one promise kept in two places.
    #[test]
    fn every_word_is_the_word_of_the_json() {
        macro_rules! check {
            ($($type:ident),+) => {$(
                for v in $type::ALL {
                    assert_eq!(serde_json::to_value(v).expect("a word"), serde_json::json!(v.as_str()));
                    assert_eq!(v.as_str().parse::<$type>().as_ref(), Ok(v));
                }
            )+};
        }
        check!(Because, Duty, Outcome, Relay, Kind, Class, Urgency, Channel, Status, Whereabouts);
    }

    #[test]
    fn an_unknown_word_is_answered_with_those_there_are() {
        let fault = "repairs".parse::<Kind>().expect_err("not a kind");
        assert_eq!(fault.to_string(), "`repairs` is not one of repair, complaint, inquiry, help");
    }
}

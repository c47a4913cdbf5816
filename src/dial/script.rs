//! The keys of `dial --keys`: `1,w2,4#` presses 1, waits a second, presses 2, 4 and #.

use crate::types::Digit;

/// Longer scripts are a mistake.
const ACTIONS_MAX: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Press(Digit),
    /// A second of patience.
    Wait,
    /// Until the line has spoken and then been silent.
    PromptEnd,
    /// Speaks the file of `--say`.
    Say,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    #[error(
        "'{found}' at place {place} of --keys is no key; write 0-9, *, #, A-D, w (wait a second), p (until the prompt ends), s (speak the file of --say) and commas between them"
    )]
    UnknownKey { found: char, place: usize },
    #[error("--keys has more than {ACTIONS_MAX} keys")]
    TooLong,
    #[error("--keys has 's' but there is no --say FILE to speak")]
    NothingToSay,
}

/// Parses `keys`. A file to speak that the script does not place is spoken at its end, once the prompt is over.
pub fn parse(keys: &str, has_say: bool) -> Result<Vec<Action>, ScriptError> {
    let mut actions = Vec::new();
    for (index, c) in keys.chars().enumerate() {
        actions.push(match c {
            ',' | ' ' => continue,
            'w' | 'W' => Action::Wait,
            'p' | 'P' => Action::PromptEnd,
            's' | 'S' => Action::Say,
            other => match Digit::from_char(other) {
                Some(digit) => Action::Press(digit),
                None => return Err(ScriptError::UnknownKey { found: other, place: index + 1 }),
            },
        });
    }
    let says = actions.contains(&Action::Say);
    if says && !has_say {
        return Err(ScriptError::NothingToSay);
    }
    if has_say && !says {
        actions.extend([Action::PromptEnd, Action::Say]);
    }
    if actions.len() > ACTIONS_MAX {
        return Err(ScriptError::TooLong);
    }
    Ok(actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(c: char) -> Action {
        Action::Press(Digit::from_char(c).expect("a key"))
    }

    #[test]
    fn keys_waits_and_prompts() {
        let expected = vec![press('1'), Action::Wait, press('2'), press('4'), press('#'), Action::PromptEnd];
        assert_eq!(parse("1,w2,4#p", false), Ok(expected));
        assert_eq!(parse("", false), Ok(vec![]));
    }

    #[test]
    fn a_file_is_spoken_where_the_script_says_or_at_its_end() {
        assert_eq!(parse("1", true), Ok(vec![press('1'), Action::PromptEnd, Action::Say]));
        assert_eq!(parse("ps#", true), Ok(vec![Action::PromptEnd, Action::Say, press('#')]));
        assert_eq!(parse("s", false), Err(ScriptError::NothingToSay));
    }

    #[test]
    fn what_is_no_key_is_named_with_its_place() {
        assert_eq!(parse("1,x", false), Err(ScriptError::UnknownKey { found: 'x', place: 3 }));
        assert_eq!(parse(&"1".repeat(1001), false), Err(ScriptError::TooLong));
    }
}

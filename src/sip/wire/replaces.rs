//! Replaces values: one dialog of whoever reads it (RFC 3891 section 6.1).

use std::fmt;
use std::str::FromStr;

use super::error::Syntax;
use super::scan;

/// The dialog that a new call takes over. The tags are named from the side of the one who is asked to give it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces {
    pub call_id: String,
    /// The reader's own tag.
    pub to_tag: String,
    /// The tag of the reader's peer.
    pub from_tag: String,
    /// Only if that dialog is not answered yet.
    pub early_only: bool,
}

impl FromStr for Replaces {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Replaces, Syntax> {
        let text = text.trim_matches(scan::is_blank);
        let (call_id, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let call_id = call_id.trim_end_matches(scan::is_blank);
        if call_id.is_empty() || call_id.bytes().any(|b| b <= b' ' || b == b',') {
            return Err(Syntax("the Call-ID is empty or has space or a comma in it"));
        }
        let params = scan::params(params)?;
        let tag = |name: &str| {
            let mut all = params.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            match (all.next(), all.next()) {
                (Some((_, Some(tag))), None) => Ok(tag.clone()),
                _ => Err(Syntax("exactly one to-tag and one from-tag are expected")),
            }
        };
        Ok(Replaces {
            call_id: call_id.to_owned(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: scan::find(&params, "early-only").is_some(),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call_id)?;
        let tag = |name: &str, tag: &str| (name.to_owned(), Some(tag.to_owned()));
        scan::write_params(f, &[tag("to-tag", &self.to_tag), tag("from-tag", &self.from_tag)])?;
        if self.early_only {
            f.write_str(";early-only")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3891_are_read_and_written() {
        let text = "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff";
        let read: Replaces = text.parse().unwrap();
        assert_eq!((read.call_id.as_str(), read.to_tag.as_str()), ("98732@sip.example.com", "ff87ff"));
        assert_eq!(read.to_string(), "98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r");
        let early: Replaces = "12adf2f34456gs5;to-tag=12345 ; from-tag=54321;early-only".parse().unwrap();
        assert!(early.early_only && early.to_string().parse() == Ok(early));
    }

    #[test]
    fn anything_but_one_tag_each_is_refused() {
        for bad in ["", "c", "c;to-tag=a", "c;from-tag=a", "c;to-tag=a;from-tag=b;to-tag=c", "c d;to-tag=a;from-tag=b"]
        {
            assert!(bad.parse::<Replaces>().is_err(), "{bad}");
        }
    }
}

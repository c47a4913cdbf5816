//! Telephone numbers as lines bring them and as people here dial them.
//!
//! A trunk writes one number in many ways (`+8613800138000`, `8613800138000`, `013800138000`, `13800138000`): they are told
//! apart and put together by the rules of one country, whose codes the settings name. Only what is certainly a telephone
//! number is touched; extensions, short numbers and names stay as they are.

/// No number is longer (ITU-T E.164), without `+`.
const DIGITS_MAX: usize = 15;
/// No telephone number with its area code is shorter.
const DIGITS_MIN: usize = 7;

/// The codes of the place where the desk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPlan {
    /// Without `+`.
    pub country_code: String,
    /// Without the national prefix; none where local numbers are not told apart.
    pub area_code: Option<String>,
    pub international_prefix: String,
    /// May be empty.
    pub national_prefix: String,
}

/// How a gateway wants numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberFormat {
    #[default]
    AsWritten,
    /// `+8613800138000`.
    E164,
    /// As people here dial it: `13800138000`, `01012345678`.
    National,
}

impl NumberFormat {
    /// Its word in the settings.
    pub fn from_name(name: &str) -> Option<NumberFormat> {
        match name {
            "as_written" => Some(NumberFormat::AsWritten),
            "e164" => Some(NumberFormat::E164),
            "national" => Some(NumberFormat::National),
            _ => None,
        }
    }
}

impl Default for NumberPlan {
    fn default() -> Self {
        Self {
            country_code: "86".to_owned(),
            area_code: None,
            international_prefix: "00".to_owned(),
            national_prefix: "0".to_owned(),
        }
    }
}

impl NumberPlan {
    /// The number with `+` and country code; `None` for what is no telephone number, or not certainly one.
    pub fn e164(&self, written: &str) -> Option<String> {
        let digits = plain(written)?;
        if let Some(whole) = digits.strip_prefix('+').or_else(|| self.after_international_prefix(&digits)) {
            let right = (DIGITS_MIN..=DIGITS_MAX).contains(&whole.len()) && !whole.starts_with('0');
            return right.then(|| format!("+{whole}"));
        }
        let national = self.national(&digits)?;
        Some(format!("+{}{national}", self.country_code))
    }

    /// The number as people here dial it, which is what they are shown and told; anything else as it is written.
    pub fn dialled(&self, written: &str) -> String {
        let Some(digits) = plain(written) else { return written.to_owned() };
        if self.is_local(&digits) {
            return written.to_owned();
        }
        let Some(whole) = self.e164(written) else { return written.to_owned() };
        let whole = whole.trim_start_matches('+');
        match whole.strip_prefix(self.country_code.as_str()) {
            Some(national) if self.is_dialled_bare(national) => national.to_owned(),
            Some(national) => format!("{}{national}", self.national_prefix),
            None => format!("{}{whole}", self.international_prefix),
        }
    }

    /// Whether both are one number, however they are written.
    pub fn is_same(&self, a: &str, b: &str) -> bool {
        a == b || self.e164(a).is_some_and(|a| self.e164(b) == Some(a))
    }

    pub fn write(&self, number: &str, format: NumberFormat) -> String {
        match format {
            NumberFormat::AsWritten => number.to_owned(),
            NumberFormat::E164 => self.e164(number).unwrap_or_else(|| number.to_owned()),
            NumberFormat::National => self.dialled(number),
        }
    }

    fn after_international_prefix<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let prefix = self.international_prefix.as_str();
        digits.strip_prefix(prefix).filter(|_| !prefix.is_empty())
    }

    /// The number without country code and prefix.
    fn national(&self, digits: &str) -> Option<String> {
        if self.is_local(digits) {
            return Some(format!("{}{digits}", self.area_code.as_deref()?));
        }
        let prefix = self.national_prefix.as_str();
        let without_prefix = digits.strip_prefix(prefix).filter(|_| !prefix.is_empty());
        let without_country = digits.strip_prefix(self.country_code.as_str());
        let candidates = [without_prefix, Some(digits), without_country];
        if self.is_china() {
            return candidates.into_iter().flatten().find(|digits| is_chinese(digits)).map(str::to_owned);
        }
        // Of other countries only what the prefix marks as a number with its area code is certain.
        without_prefix.filter(|digits| (DIGITS_MIN..=12).contains(&digits.len())).map(str::to_owned)
    }

    /// A number within the area: seven or eight digits that begin with 2 to 8 (the Chinese numbering plan, YD/T 1131).
    fn is_local(&self, digits: &str) -> bool {
        self.is_china() && matches!(digits.len(), 7 | 8) && digits.starts_with(|c: char| ('2'..='8').contains(&c))
    }

    /// Mobiles and 400 and 800 numbers are dialled without the national prefix.
    fn is_dialled_bare(&self, national: &str) -> bool {
        self.is_china() && (is_chinese_mobile(national) || is_chinese_service(national))
    }

    fn is_china(&self) -> bool {
        self.country_code == "86"
    }
}

/// Digits, with a `+` before them or not; separators are left out (RFC 3966 section 5.1.1). `None` for anything else.
fn plain(written: &str) -> Option<String> {
    let plain: String = written.chars().filter(|c| !"-.() ".contains(*c)).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    (digits.len() >= DIGITS_MIN && digits.bytes().all(|b| b.is_ascii_digit())).then_some(plain)
}

fn is_chinese(digits: &str) -> bool {
    is_chinese_mobile(digits) || is_chinese_service(digits) || is_chinese_landline(digits)
}

fn is_chinese_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1') && digits[1..].starts_with(|c: char| ('3'..='9').contains(&c))
}

fn is_chinese_service(digits: &str) -> bool {
    digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"))
}

/// 10 and 2x with eight digits, three-digit areas with seven or eight.
fn is_chinese_landline(digits: &str) -> bool {
    let number = match digits.as_bytes() {
        [b'1', b'0', ..] | [b'2', b'0'..=b'9', ..] if digits.len() == 10 => &digits[2..],
        [b'3'..=b'9', ..] if matches!(digits.len(), 10 | 11) => &digits[3..],
        _ => return false,
    };
    number.starts_with(|c: char| ('2'..='8').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beijing() -> NumberPlan {
        NumberPlan { area_code: Some("10".to_owned()), ..NumberPlan::default() }
    }

    #[test]
    fn one_number_is_the_same_however_a_trunk_writes_it() {
        for (written, e164, dialled) in [
            ("+8613800138000", "+8613800138000", "13800138000"),
            ("8613800138000", "+8613800138000", "13800138000"),
            ("008613800138000", "+8613800138000", "13800138000"),
            ("013800138000", "+8613800138000", "13800138000"),
            ("13800138000", "+8613800138000", "13800138000"),
            ("+86-138-0013-8000", "+8613800138000", "13800138000"),
            ("+861012345678", "+861012345678", "01012345678"),
            ("+861062345678", "+861062345678", "01062345678"),
            ("01062345678", "+861062345678", "01062345678"),
            ("1062345678", "+861062345678", "01062345678"),
            ("861062345678", "+861062345678", "01062345678"),
            ("62345678", "+861062345678", "62345678"),
            ("+865325551234", "+865325551234", "05325551234"),
            ("4008001234", "+864008001234", "4008001234"),
            ("+864008001234", "+864008001234", "4008001234"),
            ("+15551234567", "+15551234567", "0015551234567"),
            ("0015551234567", "+15551234567", "0015551234567"),
        ] {
            assert_eq!(beijing().e164(written).as_deref(), Some(e164), "{written}");
            assert_eq!(beijing().dialled(written), dialled, "{written}");
            assert!(beijing().is_same(written, e164), "{written}");
        }
    }

    #[test]
    fn extensions_short_numbers_and_names_stay_as_they_are() {
        for written in
            ["201", "8001", "110", "95588", "10086", "zhangwei", "", "+", "desk*1", "12345678901234567890", "张伟"]
        {
            assert_eq!(beijing().e164(written), None, "{written}");
            assert_eq!(beijing().dialled(written), written);
            assert_eq!(beijing().write(written, NumberFormat::E164), written);
        }
        assert!(beijing().is_same("201", "201") && !beijing().is_same("201", "202"));
    }

    #[test]
    fn a_local_number_is_whole_only_where_the_area_is_known() {
        assert_eq!(NumberPlan::default().e164("62345678"), None);
        assert_eq!(NumberPlan::default().dialled("62345678"), "62345678");
    }

    #[test]
    fn another_country_touches_only_what_its_prefixes_mark() {
        let plan = NumberPlan { country_code: "49".to_owned(), ..NumberPlan::default() };
        assert_eq!(plan.e164("03012345678").as_deref(), Some("+493012345678"));
        assert_eq!(plan.dialled("+493012345678"), "03012345678");
        assert_eq!(plan.e164("3012345678"), None);
        assert_eq!(plan.dialled("+8613800138000"), "008613800138000");
    }

    #[test]
    fn gateways_get_the_form_that_they_want() {
        for (format, wanted) in [
            (NumberFormat::AsWritten, "8613800138000"),
            (NumberFormat::E164, "+8613800138000"),
            (NumberFormat::National, "13800138000"),
        ] {
            assert_eq!(beijing().write("8613800138000", format), wanted);
        }
    }
}

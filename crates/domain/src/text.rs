//! What text may enter: lengths, and characters that a person can see.
//!
//! Names are compared byte for byte, so they must look like what they are: no control characters,
//! no characters that turn the writing direction, and one spelling per text (Unicode NFC).

use unicode_normalization::is_nfc;

/// Names and ids: the most code points.
pub const NAME_LIMIT: usize = 200;
/// Comments and descriptions: the most bytes.
pub const PARAGRAPH_LIMIT: usize = 4_096;

/// Why a text was refused, in words that fit behind "found … ; allowed: …".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What was found.
    pub found: String,
    /// What would be allowed.
    pub allowed: String,
}

impl Problem {
    /// A problem in words.
    pub fn new(found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            allowed: allowed.into(),
        }
    }
}

/// A name or id: present, one line, NFC, no white space around it.
pub fn name(text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Problem::new(
            "nothing",
            format!("1 to {NAME_LIMIT} characters"),
        ));
    }
    line(text)?;
    if text.trim() != text {
        return Err(Problem::new(
            "white space at an end",
            "a name without white space around it",
        ));
    }
    Ok(())
}

/// One line for people, which may be empty.
pub fn line(text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > NAME_LIMIT {
        return Err(Problem::new(
            format!("{length} characters"),
            format!("at most {NAME_LIMIT} characters"),
        ));
    }
    visible(text, |_| false)?;
    if !is_nfc(text) {
        return Err(Problem::new(
            "text that is not in Unicode NFC",
            "text in Unicode NFC",
        ));
    }
    Ok(())
}

/// The subject of a credential: kept as it is, so white space and any spelling are allowed inside.
pub fn subject(text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length == 0 || length > NAME_LIMIT {
        return Err(Problem::new(
            format!("{length} characters"),
            format!("1 to {NAME_LIMIT} characters"),
        ));
    }
    visible(text, |_| false)
}

/// Several lines for people, which may be empty.
pub fn paragraph(text: &str) -> Result<(), Problem> {
    bytes(text, PARAGRAPH_LIMIT)?;
    visible(text, |c| matches!(c, '\n' | '\r' | '\t'))
}

/// At most this many bytes.
pub fn bytes(text: &str, limit: usize) -> Result<(), Problem> {
    if text.len() > limit {
        return Err(Problem::new(
            format!("{} bytes", text.len()),
            format!("at most {limit} bytes"),
        ));
    }
    Ok(())
}

/// No control characters and none that turn the writing direction, except those allowed.
pub fn visible(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), Problem> {
    match text.chars().find(|&c| is_hidden(c) && !allowed(c)) {
        None => Ok(()),
        Some(c) => Err(Problem::new(
            format!("the invisible character U+{:04X}", u32::from(c)),
            "text without control and bidirectional characters",
        )),
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{2069}'
                | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_look_like() {
        let long = "é".repeat(NAME_LIMIT);
        let too_long = "é".repeat(NAME_LIMIT + 1);
        let rows: [(&str, bool); 12] = [
            ("web", true),
            ("Größe 12", true),
            (&long, true),
            (&too_long, false),
            ("", false),
            (" web", false),
            ("web\u{a0}", false),
            ("we\u{0}b", false),
            ("we\u{85}b", false),
            ("we\u{202e}b", false),
            ("we\u{200b}b", false),
            ("e\u{301}", false),
        ];
        for (text, allowed) in rows {
            assert_eq!(name(text).is_ok(), allowed, "{text:?}");
        }
    }

    #[test]
    fn paragraphs_have_lines_but_no_escape_codes() {
        assert!(paragraph("first\nsecond\tthird\r\n").is_ok());
        assert!(paragraph("\u{1b}[31mred").is_err());
        assert!(paragraph(&"x".repeat(PARAGRAPH_LIMIT)).is_ok());
        assert!(paragraph(&"x".repeat(PARAGRAPH_LIMIT + 1)).is_err());
    }

    #[test]
    fn subjects_are_never_folded() {
        assert!(subject("e\u{301}").is_ok());
        assert!(subject(" alice ").is_ok());
        assert!(subject("").is_err());
        assert!(subject("al\u{7}ice").is_err());
    }
}

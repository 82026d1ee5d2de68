//! What text may enter: lengths, and characters that a person can see.
//!
//! Names are compared byte for byte, so they must look like what they are: no control characters,
//! none that turn the writing direction or cannot be seen at all, none without a common picture,
//! and one spelling per text (Unicode NFC). Subjects are another system's: they are kept byte for
//! byte, but what cannot be seen is refused there too. Which texts look like each other although
//! all of them can be seen, [`crate::confusable`] says.

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
    one_line(text, |_| false)?;
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
    one_line(text, is_emoji_style)
}

fn one_line(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > NAME_LIMIT {
        return Err(Problem::new(
            format!("{length} characters"),
            format!("at most {NAME_LIMIT} characters"),
        ));
    }
    visible(text, allowed)?;
    if !is_nfc(text) {
        return Err(Problem::new(
            "text that is not in Unicode NFC",
            "text in Unicode NFC",
        ));
    }
    Ok(())
}

/// The subject of a credential, or an issuer: kept as it is, never folded, trimmed or normalised,
/// so white space and any spelling are allowed, but not white space alone.
pub fn subject(text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length == 0 || length > NAME_LIMIT {
        return Err(Problem::new(
            format!("{length} characters"),
            format!("1 to {NAME_LIMIT} characters"),
        ));
    }
    if text.trim().is_empty() {
        return Err(Problem::new(
            "white space alone",
            "a text of which something can be seen",
        ));
    }
    visible(text, |_| false)
}

/// Several lines for people, which may be empty. They decide nothing, so that icons of somebody's
/// font may stand in what is copied there.
pub fn paragraph(text: &str) -> Result<(), Problem> {
    bytes(text, PARAGRAPH_LIMIT)?;
    visible(text, |c| {
        matches!(c, '\n' | '\r' | '\t') || is_emoji_style(c) || is_private(c)
    })
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

/// No character that cannot be seen, turns the writing direction or has no common picture, except
/// those allowed.
pub fn visible(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), Problem> {
    let refused = |&c: &char| (is_hidden(c) || is_private(c)) && !allowed(c);
    match text.chars().find(refused) {
        None => Ok(()),
        Some(c) => {
            let kind = if is_private(c) {
                "private"
            } else {
                "invisible"
            };
            Err(Problem::new(
                format!("the {kind} character U+{:04X}", u32::from(c)),
                "text without control, bidirectional, invisible and private characters",
            ))
        }
    }
}

/// What cannot be seen, or turns what can. Beside control characters and noncharacters these are,
/// in Unicode 18: every `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`), which are
/// joiners, bidirectional controls, fillers, selectors of variants, and tags; the separators of
/// lines; of the other format characters (`Cf` in `UnicodeData.txt`) those without a picture, which
/// leaves out Arabic, Syriac and Kaithi signs of numbers and verses; and the blank Braille pattern.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xFFFE == 0xFFFE
        || matches!(
            c,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFC}'
                | '\u{13430}'..='\u{1343F}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// Private use: a picture only where a font has one, and any font may have another.
fn is_private(c: char) -> bool {
    matches!(
        c,
        '\u{E000}'..='\u{F8FF}'
            | '\u{F0000}'..='\u{FFFFD}'
            | '\u{100000}'..='\u{10FFFD}'
    )
}

/// Says whether the sign before it is shown as text or as an emoji; keyboards write it.
fn is_emoji_style(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
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
    fn what_cannot_be_seen_is_refused_everywhere() {
        let blanks = "\u{0}\u{1b}\u{7f}\u{85}\u{9f}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\
                      \u{180b}\u{180e}\u{200b}\u{200d}\u{200e}\u{2028}\u{2029}\u{202e}\u{2060}\
                      \u{2066}\u{2069}\u{206f}\u{2800}\u{3164}\u{fdd0}\u{fe00}\u{feff}\u{ffa0}\
                      \u{fff9}\u{fffb}\u{ffff}\u{13430}\u{1bca0}\u{1d173}\u{1ffff}\u{e0001}\
                      \u{e0041}\u{e007f}\u{e0100}\u{10fffe}";
        for blank in blanks.chars() {
            let text = format!("al{blank}ice");
            for check in [name, line, subject, paragraph] {
                let found = check(&text).unwrap_err().found;
                assert!(
                    found.contains(&format!("U+{:04X}", u32::from(blank))),
                    "{found}"
                );
            }
        }
        for seen in "a ß\u{300}Ж中אع٣\u{600}\u{6dd}\u{3000}\u{fffd}😀\u{1f3fd}".chars() {
            for check in [line, subject, paragraph] {
                assert_eq!(check(&format!("al{seen}ice")), Ok(()), "{seen:?}");
            }
        }
    }

    /// The library's own table of what is never shown, seen through what it leaves of a character.
    #[test]
    fn nothing_is_let_through_that_unicode_says_is_not_shown() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let is_nothing = unicode_security::skeleton(&text).next().is_none();
            assert!(!is_nothing || is_hidden(c), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn what_has_no_common_picture_stands_in_paragraphs_alone() {
        for private in ['\u{e000}', '\u{f8ff}', '\u{f0000}', '\u{10fffd}'] {
            let text = format!("a{private}");
            for check in [name, line, subject] {
                let found = check(&text).unwrap_err().found;
                assert!(found.starts_with("the private character U+"), "{found}");
            }
            assert_eq!(paragraph(&text), Ok(()));
        }
        let warned = "\u{26a0}\u{fe0f} hotfix";
        assert_eq!((line(warned), paragraph(warned)), (Ok(()), Ok(())));
        assert!(name(warned).is_err() && subject(warned).is_err());
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
        for nothing in ["", " ", "\u{a0}\u{3000}"] {
            assert!(subject(nothing).is_err(), "{nothing:?}");
        }
        assert!(subject("al\u{7}ice").is_err());
    }
}

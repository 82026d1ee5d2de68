//! One line.

use std::fmt::Write as _;
use std::io;

use jiff::Timestamp;
use serde::Serialize;

use super::log::Call;

/// How much of one text is told, in bytes.
const TEXT_LIMIT: usize = 400;

/// What happened, and when.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    time: String,
    #[serde(flatten)]
    pub(super) event: Event,
}

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// A call was denied.
    Denied(Told),
    /// The log was read.
    LogRead(Told),
    /// So much was not told.
    Suppressed(Untold),
}

/// What is told of a call. What is not known is empty.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) method: &'static str,
    pub(super) reason: String,
    pub(super) why: &'static str,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) credential_kind: &'static str,
    pub(super) credential: String,
    pub(super) peer: String,
}

/// What was not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Untold {
    /// So many calls, because there were too many.
    pub(super) count: u64,
    /// So many of them were reads of the log.
    pub(super) log_reads: u64,
    /// So many records more could not be written.
    pub(super) lost: u64,
    /// From when on.
    pub(super) since: String,
}

impl Told {
    /// What is told of a call that ended for a reason; `why` says more than callers are told.
    pub(super) fn of(call: &Call, reason: &str, why: &'static str) -> Self {
        let caller = call.caller.as_deref();
        let peer = call.peer.as_ref().and_then(|peer| peer.address);
        let peer = peer.map(|address| address.ip().to_canonical().to_string());
        let text = |text: Option<&str>| clip(text.unwrap_or_default());
        Self {
            method: call.method.map_or("", |method| method.path),
            reason: clip(reason),
            why,
            issuer: text(caller.map(|caller| caller.person.issuer.as_str())),
            subject: text(caller.map(|caller| caller.person.subject.as_str())),
            credential_kind: caller.map_or("", |caller| caller.credential.kind.name()),
            credential: text(caller.map(|caller| caller.credential.id.as_str())),
            peer: peer.unwrap_or_default(),
        }
    }
}

impl Record {
    /// What happened now.
    pub(super) fn now(event: Event) -> Self {
        Self { time: now(), event }
    }

    /// The line, with its end.
    pub(super) fn line(&self) -> io::Result<String> {
        let mut line = visible(&serde_json::to_string(self)?);
        line.push('\n');
        Ok(line)
    }
}

/// The present instant as records tell it.
#[expect(
    clippy::disallowed_methods,
    reason = "says when something happened at this machine; decides nothing"
)]
pub(super) fn now() -> String {
    format!("{:.6}", Timestamp::now())
}

fn clip(text: &str) -> String {
    if text.len() <= TEXT_LIMIT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT_LIMIT)])
}

/// JSON escapes what must be escaped there. A terminal obeys more than that, and people are misled
/// by yet more, so these are escaped too. They stand in texts only.
fn visible(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
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
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::auth::insecure_dev;

    fn line(subject: &str) -> String {
        let mut caller = insecure_dev::principal("alice").unwrap();
        subject.clone_into(&mut caller.person.subject);
        let call = Call {
            method: None,
            caller: Some(Arc::new(caller)),
            peer: None,
        };
        let told = Told::of(&call, "", "");
        Record::now(Event::Denied(told)).line().unwrap()
    }

    fn subject(line: &str) -> String {
        let line: Value = serde_json::from_str(line).unwrap();
        line["subject"].as_str().unwrap().to_owned()
    }

    #[test]
    fn abuse_no_text_of_a_caller_can_end_a_line_or_move_a_cursor() {
        let nasty = "a\r\n{\"event\":\"log_read\"}\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{2028}\u{0}é";
        let line = line(nasty);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.ends_with("}\n"));
        assert!(!line.trim_end().chars().any(is_hidden), "{line}");
        assert_eq!(subject(&line), nasty);
    }

    #[test]
    fn texts_are_clipped_between_characters() {
        assert_eq!(clip(&"a".repeat(TEXT_LIMIT)).len(), TEXT_LIMIT);
        for text in ["a".repeat(4_096), "é".repeat(4_096), "😀".repeat(4_096)] {
            let found = subject(&line(&text));
            assert!(found.ends_with('…') && found.len() <= TEXT_LIMIT + '…'.len_utf8());
            assert!(text.starts_with(found.trim_end_matches('…')));
        }
    }

    #[test]
    fn a_record_begins_with_its_time_and_says_what_it_is() {
        let untold = Untold {
            count: 3,
            log_reads: 1,
            lost: 2,
            since: now(),
        };
        let line = Record::now(Event::Suppressed(untold)).line().unwrap();
        assert!(line.starts_with("{\"time\":\"2"), "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["event"], "suppressed");
        assert_eq!(line["count"], 3);
    }
}

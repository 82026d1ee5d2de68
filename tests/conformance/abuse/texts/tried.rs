//! The characters that nobody sees, and what becomes of them.

use super::{Field, created, listed, named, paragraphs};
use crate::gate::{Expect, FreezeSpec, Gate, deployment};

/// Every control character of ASCII and of Latin-1, what turns the direction of writing, what has
/// no width, what breaks lines, and what is drawn as nothing or by nobody.
fn hidden() -> Vec<char> {
    let ranges = [
        '\u{0}'..='\u{1f}',
        '\u{7f}'..='\u{9f}',
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{180b}'..='\u{180e}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{3164}'..='\u{3164}',
        PRIVATE..=PRIVATE,
        '\u{fe00}'..='\u{fe0d}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
        '\u{fff9}'..='\u{fffb}',
        '\u{e0001}'..='\u{e0001}',
        '\u{e0061}'..='\u{e0061}',
    ];
    ranges.into_iter().flatten().collect()
}

/// What says how the sign before it is drawn; keyboards write it, so it may be in lines for people.
const STYLES: [char; 2] = ['\u{fe0e}', '\u{fe0f}'];
/// A picture of somebody's font, which may be in comments.
const PRIVATE: char = '\u{e000}';
/// Lines for people, which name nothing.
const LINES: [&str; 5] = [
    "task.title",
    "task.links[0].title",
    "task.creator.display_name",
    "policy.name",
    "team.name",
];
/// Odd to look at, and yet all there.
const VISIBLE: &str = "Gr\u{f6}\u{df}e-\u{751f}\u{4ea7}-\u{430}-\u{1f680}-%00-<b>";
/// Other spellings of the same text, of which only one may be in use.
const NOT_COMPOSED: [&str; 3] = ["e\u{301}", "\u{2126}", "A\u{30a}"];

/// Each text in each field is refused by the name of the field; nothing is written.
async fn all_refused(gate: &Gate, fields: &[Field], texts: &[String]) {
    let entries = gate.entries().await;
    for (field, call) in fields {
        for text in texts {
            let refused = call(text).send(gate).await;
            let refused = refused.expect_err(&format!("{field} {text:?}"));
            assert_eq!(
                (refused.reason.as_str(), refused.fact("field")),
                ("INVALID_FIELD", *field),
                "{text:?}: {refused:?}"
            );
        }
    }
    assert_eq!(gate.entries().await, entries);
}

/// A text around each hidden character but these.
fn hiding(allowed: &[char]) -> Vec<String> {
    let hidden = hidden().into_iter().filter(|it| !allowed.contains(it));
    hidden.map(|it| format!("we{it}b")).collect()
}

/// What decisions, reports, liftings and revocations are about.
async fn stage(gate: &Gate) {
    gate.alice_approves().await;
    for id in ["t1", "t3", "t4"] {
        gate.waiting(deployment(id)).await;
    }
    gate.cleared(deployment("t2")).await;
    gate.running(deployment("t5"), "claim").await;
    gate.frozen(FreezeSpec::new("all").only(&["none"], &["none"]))
        .await;
    let old = gate.token_of("old", "erin");
    gate.access_admin().create_token(old).await.granted();
}

on_both_stores! {
    async fn abuse_hidden_characters_are_in_no_name(gate) {
        let fields = created::fields();
        all_refused(gate, &fields, &hiding(&[])).await;
        let mut ids = created::fields();
        ids.retain(|(field, _)| !LINES.contains(field));
        assert_eq!(ids.len() + LINES.len(), fields.len());
        all_refused(gate, &ids, &STYLES.map(|it| format!("we{it}b"))).await;
        for (field, call) in fields {
            let taken = call(VISIBLE).send(gate).await;
            assert!(taken.is_ok(), "{field}: {taken:?}");
        }
    }

    async fn abuse_hidden_characters_ask_for_nothing(gate) {
        stage(gate).await;
        let mut fields = named::fields();
        fields.extend(listed::fields());
        all_refused(gate, &fields, &hiding(&[])).await;
        for (field, call) in fields {
            // There is no such thing, which is another answer; where nothing is named, there is
            // just nothing to list.
            let answer = call(VISIBLE).send(gate).await;
            let found = answer.map_or_else(|refused| refused.reason, |()| "nothing".to_owned());
            assert!(["nothing", "NOT_FOUND"].contains(&found.as_str()), "{field}: {found}");
        }
    }

    async fn abuse_hidden_characters_are_in_no_comment(gate) {
        stage(gate).await;
        let fields = paragraphs::fields();
        all_refused(gate, &fields, &hiding(&['\n', '\r', '\t', PRIVATE])).await;
        for (field, call) in fields {
            let text = format!("{VISIBLE}\r\n\tand more, e\u{301}");
            let taken = call(&text).send(gate).await;
            assert!(taken.is_ok(), "{field}: {taken:?}");
        }
    }

    async fn abuse_a_name_has_one_spelling(gate) {
        // People are whom their issuer says they are, byte for byte; a digest, an address and a
        // label are taken as they are as well.
        let as_it_is = [
            "task.creator.person.subject",
            "task.artifact_digest",
            "task.links[0].url",
            "task.labels",
            "task.labels[\"key\"]",
            "policy.approvers.users[0].subject",
            "team.members[0].subject",
            "token.person.subject",
            "token.person.issuer",
        ];
        let mut names = created::fields();
        names.retain(|(field, _)| !as_it_is.contains(field));
        assert_eq!(names.len() + as_it_is.len(), created::fields().len());
        all_refused(gate, &names, &NOT_COMPOSED.map(str::to_owned)).await;
        for (field, call) in names {
            let taken = call("\u{e9}\u{3a9}\u{c5}").send(gate).await;
            assert!(taken.is_ok(), "{field}: {taken:?}");
        }
    }
}

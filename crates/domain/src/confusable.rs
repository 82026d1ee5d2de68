//! Texts that a person may take for each other (D2).
//!
//! Nothing is decided by this: persons are told apart byte for byte, and who looks like an approver
//! is none. But people decide by what they see, so who looks like somebody else is pointed out.
//!
//! A text is compared by its readings: white space and what cannot be seen are left out, and each
//! character stands for all that look like it (the skeleton of Unicode Technical Standard 39, over
//! NFKC). Case is folded before that, and in another reading after it: a capital I is the letter i,
//! and looks like an l. So these are alike: `alice` and `Alice`, `ALICE `, `ａｌｉｃｅ`, `аlice` with
//! a Cyrillic а, `a1ice`, `aIice`; and `morn` and `rnorn`.
//!
//! What only sounds or reads alike is not found: other accents (`rené`, `rene`), digits for letters
//! that they merely remind of (`al3x`, `alex`), `vv` for `w`, punctuation (`j.doe`, `jdoe`), parts
//! in another order, another domain (`alice@a.example`, `alice@b.example`), translations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

use crate::change_request::Case;
use crate::person::Person;
use crate::policy::Approver;

/// The readings of a text, case folded after and before characters stand for each other. Where
/// anything is alike, it is the same in one of them.
type Readings = [String; 2];

/// The readings of each ASCII character. None of them depends on what stands beside it, and nearly
/// all texts are made of them, so they are looked up.
static ASCII: LazyLock<Vec<Readings>> = LazyLock::new(|| {
    let each = (0..=0x7Fu8).map(|byte| read(&char::from(byte).to_string()));
    each.collect()
});

/// Whether two texts differ, and a person may take one for the other.
pub fn alike(a: &str, b: &str) -> bool {
    let others = readings(b);
    a != b && readings(a).iter().any(|reading| others.contains(reading))
}

fn readings(text: &str) -> Readings {
    if !text.is_ascii() {
        return read(text);
    }
    let mut found = Readings::default();
    for each in text.bytes().filter_map(|byte| ASCII.get(usize::from(byte))) {
        for (whole, part) in found.iter_mut().zip(each) {
            whole.push_str(part);
        }
    }
    found
}

fn read(text: &str) -> Readings {
    let seen: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let after = fold(&skeleton(&seen).collect::<String>());
    let before = fold(&seen);
    [&after, &before].map(|folded| skeleton(folded).filter(|c| !c.is_whitespace()).collect())
}

/// Without case. By way of the capitals: several small letters have the same one.
fn fold(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

/// A person, by a text that they are seen by: their subject, or the name that is shown for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub person: Person,
    /// By what.
    pub text: String,
}

impl Seen {
    fn by(person: &Person, text: &str) -> Self {
        Self {
            person: person.clone(),
            text: text.to_owned(),
        }
    }

    /// Who it is, so that somebody who looks the same is not meant by it.
    pub fn told_from(&self, other: &Self) -> String {
        let Person { issuer, subject } = &self.person;
        let issuer = spelt(issuer, &other.person.issuer);
        if self.text == *subject {
            let subject = spelt(subject, &other.text);
            return format!("{subject} of issuer {issuer}");
        }
        let shown = spelt(&self.text, &other.text);
        format!("{subject:?} of issuer {issuer}, shown as {shown},")
    }
}

/// A text in quotes. Where a look at it may not be enough, it is spelt once more: with the numbers
/// of the characters beyond ASCII, and of the first one in which the other text differs.
fn spelt(text: &str, other: &str) -> String {
    let mut others = other.chars();
    let mut is_same = true;
    let mut words = vec![String::new()];
    for c in text.chars() {
        let differs = is_same && others.next() != Some(c);
        is_same &= !differs;
        if differs || !c.is_ascii() {
            words.push(format!("U+{:04X}", u32::from(c)));
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    if words.len() == 1 {
        return format!("{text:?}");
    }
    words.retain(|word| !word.is_empty());
    format!("{text:?} ({})", words.join(" "))
}

/// The most pairs that are pointed out at once.
pub const PAIRS_LIMIT: usize = 10;

/// Two persons who look alike.
pub type Pair = (Seen, Seen);

/// Those of several persons who look alike: each with one other at least.
pub fn among<'a>(people: impl Iterator<Item = &'a Person>) -> Vec<Pair> {
    let mut company = Company::default();
    people.for_each(|person| company.join(person));
    company.pairs
}

/// Those of a change request who look alike: of its approvers and those who have decided, and of
/// its creators, each with one of these.
pub fn of_case(case: &Case) -> Vec<Pair> {
    let mut company = Company::default();
    for named in &case.resultant.approvers {
        match &named.approver {
            Approver::User(person) => company.join(person),
            Approver::Team(_) => {}
        }
    }
    let decided = case.change_request.decisions.iter();
    decided.for_each(|decision| company.join(&decision.person));
    if company.known.is_empty() {
        return Vec::new();
    }
    let first = case.change_request.content.creator.iter();
    let tasks = case.tasks.values();
    let each = first.chain(tasks.filter_map(|task| task.content.spec.creator.as_ref()));
    let creators: BTreeSet<(&Person, &str)> = each
        .map(|creator| (&creator.person, creator.display_name.as_str()))
        .collect();
    for (person, display_name) in creators {
        company.look_at(person, &person.subject);
        company.look_at(person, display_name);
    }
    company.pairs
}

/// Persons by the readings of their subjects.
#[derive(Default)]
struct Company<'a> {
    known: BTreeMap<String, &'a Person>,
    met: BTreeSet<(&'a Person, &'a Person)>,
    pairs: Vec<Pair>,
}

impl<'a> Company<'a> {
    /// A person to be compared with those who are known, and from now on one of them. Of several
    /// who look alike the first stands for all: the others are each paired with that one.
    fn join(&mut self, person: &'a Person) {
        let readings = readings(&person.subject);
        self.compare(person, &person.subject, &readings);
        for reading in readings {
            self.known.entry(reading).or_insert(person);
        }
    }

    /// A person who is seen by this text, compared with those who are known.
    fn look_at(&mut self, person: &'a Person, text: &str) {
        self.compare(person, text, &readings(text));
    }

    fn compare(&mut self, person: &'a Person, text: &str, readings: &Readings) {
        for reading in readings {
            let known = self.known.get(reading).copied();
            let Some(other) = known.filter(|known| *known != person) else {
                continue;
            };
            let pair = (other.min(person), other.max(person));
            if self.pairs.len() < PAIRS_LIMIT && self.met.insert(pair) {
                let other = Seen::by(other, &other.subject);
                self.pairs.push((other, Seen::by(person, text)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALIKE: [(&str, &str); 24] = [
        ("alice", "Alice"),
        ("alice", "ALICE"),
        ("alice", "alice "),
        ("alice", "al ice"),
        ("alice", "\u{a0}alice\u{3000}"),
        ("alice", "al\u{200b}ice"),
        ("alice", "al\u{ad}ice\u{fe0f}"),
        ("alice", "ａｌｉｃｅ"),
        ("alice", "ＡＬＩＣＥ"),
        ("alice", "\u{430}lice"),
        ("ALICE", "\u{410}LICE"),
        ("alice", "\u{3b1}lice"),
        ("alice", "\u{391}lice"),
        ("alice", "a1ice"),
        ("alice", "aIice"),
        ("alice", "a|ice"),
        ("bob", "b0b"),
        ("bob", "BOB"),
        ("morn", "rnorn"),
        ("MARIA", "rnarla"),
        ("rené", "rene\u{301}"),
        ("straße", "STRASSE"),
        ("office", "o\u{fb03}ce"),
        ("", " "),
    ];

    const NOT_ALIKE: [(&str, &str); 14] = [
        ("alice", "alice"),
        ("\u{430}lice", "\u{430}lice"),
        ("", ""),
        ("alice", ""),
        ("alice", "alicia"),
        ("alice", "a-lice"),
        ("rené", "rene"),
        ("alex", "al3x"),
        ("will", "vvill"),
        ("j.doe", "jdoe"),
        ("doe j", "j doe"),
        ("alice@a.example", "alice@b.example"),
        ("иван", "ivan"),
        ("bill", "bile"),
    ];

    #[test]
    fn d2_texts_are_alike_that_a_person_may_take_for_each_other() {
        for (a, b) in ALIKE {
            assert!(alike(a, b) && alike(b, a), "{a:?} and {b:?}");
        }
        for (a, b) in NOT_ALIKE {
            assert!(!alike(a, b) && !alike(b, a), "{a:?} and {b:?}");
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let few = "[aAаΑａ iIl1|oO0mMrn\u{301}ßſ]{0,4}";
        prop_oneof![few, "[ -~]{0,8}", ".{0,4}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn d2_likeness_goes_both_ways_and_nothing_is_like_itself(a in text(), b in text()) {
            prop_assert_eq!(alike(&a, &b), alike(&b, &a));
            prop_assert!(!alike(&a, &a));
            let normal = [a.nfd().collect(), a.nfkc().collect()];
            for same in normal.into_iter().chain([a.to_uppercase(), format!(" {a} ")]) {
                prop_assert!(a == same || alike(&a, &same), "{a:?} and {same:?}");
            }
        }

        #[test]
        fn what_is_looked_up_is_what_would_be_read(text in "[ -~]{0,20}") {
            prop_assert_eq!(readings(&text), read(&text));
        }
    }

    fn person(issuer: &str, subject: &str) -> Person {
        Person {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        }
    }

    #[test]
    fn d2_of_many_who_look_alike_each_is_pointed_out_once() {
        let people = ["alice", "bob", "Alice", "alice ", "BOB", "carol"].map(|it| person("p", it));
        let subjects = |pairs: Vec<Pair>| -> Vec<(String, String)> {
            let each = pairs.into_iter();
            each.map(|(one, other)| (one.text, other.text)).collect()
        };
        let found = subjects(among(people.iter().chain(&people)));
        let expected = [("alice", "Alice"), ("alice", "alice "), ("bob", "BOB")];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let spaces = (0..40).map(|n| person("p", &format!("{}alice", " ".repeat(n))));
        let many: Vec<Person> = spaces.collect();
        assert_eq!(among(many.iter()).len(), PAIRS_LIMIT);
    }

    #[test]
    fn d2_who_looks_alike_is_told_apart() {
        // what one is seen by, what another is seen by, how each is told
        let alice = || person("people", "alice");
        let seen = |person: Person, text: &str| Seen::by(&person, text);
        let by_subject = |person: Person| seen(person.clone(), &person.subject);
        let rows = [
            (
                by_subject(alice()),
                by_subject(person("people", "\u{430}lice")),
                r#""alice" (U+0061 lice) of issuer "people""#,
                "\"\u{430}lice\" (U+0430 lice) of issuer \"people\"",
            ),
            (
                by_subject(alice()),
                by_subject(person("people", "aIice")),
                r#""alice" (a U+006C ice) of issuer "people""#,
                r#""aIice" (a U+0049 ice) of issuer "people""#,
            ),
            (
                by_subject(alice()),
                by_subject(person("people", "alice ")),
                r#""alice" of issuer "people""#,
                r#""alice " (alice U+0020) of issuer "people""#,
            ),
            (
                by_subject(alice()),
                by_subject(person("pe\u{43e}ple", "alice")),
                r#""alice" of issuer "people" (pe U+006F ple)"#,
                "\"alice\" of issuer \"pe\u{43e}ple\" (pe U+043E ple)",
            ),
            (
                by_subject(alice()),
                seen(person("people", "u-17"), "Alice"),
                r#""alice" (U+0061 lice) of issuer "people""#,
                r#""u-17" of issuer "people", shown as "Alice" (U+0041 lice),"#,
            ),
            (
                by_subject(person("people", "rené \"r\"")),
                by_subject(person("people", "Rene\u{301} \"r\"")),
                r#""rené \"r\"" (U+0072 en U+00E9  "r") of issuer "people""#,
                r#""Rene\u{301} \"r\"" (U+0052 ene U+0301  "r") of issuer "people""#,
            ),
        ];
        for (one, other, first, second) in rows {
            assert_eq!(one.told_from(&other), first);
            assert_eq!(other.told_from(&one), second);
        }
    }
}

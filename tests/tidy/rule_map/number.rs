//! How rules are numbered: a letter for the topic, then one or two digits.

/// The topics of the rule book. `I` is none: those are invariants, which tests name as well.
const TOPICS: &str = "MGCSDWFPTEK";

/// Whether a text is the number of a rule, whether or not the book has it.
pub(super) fn is_number(text: &str) -> bool {
    let mut letters = text.chars();
    let topic = letters.next().is_some_and(|it| TOPICS.contains(it));
    let digits = letters.as_str();
    topic && matches!(digits.len(), 1 | 2) && digits.bytes().all(|it| it.is_ascii_digit())
}

/// The numbers that the name of a test begins with.
pub(super) fn numbers_of(name: &str) -> Vec<String> {
    let words = name.split('_').map(str::to_uppercase);
    let leading = words.take_while(|word| is_number(word) || is_invariant(word));
    leading.filter(|word| is_number(word)).collect()
}

fn is_invariant(word: &str) -> bool {
    let digits = word.strip_prefix('I');
    digits.is_some_and(|it| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit()))
}

#[test]
fn numbers_stand_at_the_beginning_of_a_name() {
    let rows: [(&str, &[&str]); 8] = [
        ("d5_a_rejection_ends_it", &["D5"]),
        ("d5_d12_too_late", &["D5", "D12"]),
        ("i14_g1_merging_commutes", &["G1"]),
        ("i40_no_gap", &[]),
        ("a_rule_named_d5_later", &[]),
        ("k8s_is_no_rule", &[]),
        ("x1_is_no_topic", &[]),
        ("d123_is_no_number", &[]),
    ];
    for (name, numbers) in rows {
        assert_eq!(numbers_of(name), numbers, "{name}");
    }
}

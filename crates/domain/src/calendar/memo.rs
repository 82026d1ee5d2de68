//! How far a search looks, and for which instants its last answer is still the answer.

use super::occurrences::HORIZON;
use super::search::Found;
use crate::Instant;

/// For how long an answer that is dear to find is taken for the one of a later instant too: a
/// creation is prepared before the lock, and decided a moment later under it.
const LINGERS_MICROS: i64 = 60_000_000;

/// How far a search looks around the instant it was asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) asked: i64,
    pub(super) floor: i64,
    pub(super) horizon: i64,
}

impl Reach {
    pub(super) fn around(t: Instant) -> Self {
        let asked = t.micros();
        Self {
            asked,
            floor: (asked - HORIZON).max(Instant::EPOCH.micros()),
            horizon: (asked + HORIZON).min(Instant::LAST.micros()),
        }
    }
}

/// The last answer.
#[derive(Clone, Copy)]
pub(super) struct Memo {
    pub(super) asked: Instant,
    pub(super) found: Found,
    /// Whether it answers for other instants too. Not if the search was close to being given up:
    /// a fresh one for another instant might be, and a memo must not know more than that.
    pub(super) is_lasting: bool,
}

impl Memo {
    /// Whether the answer is also the one for this instant.
    pub(super) fn answers(self, t: Instant) -> bool {
        if t == self.asked {
            return true;
        }
        let lingers = (0..LINGERS_MICROS).contains(&(t.micros() - self.asked.micros()));
        let Found::Period(found) = self.found else {
            return lingers;
        };
        // No other period ends between `t` and this one, and neither search cuts it.
        let first = t.min(self.asked);
        let last = t.max(self.asked);
        (self.is_lasting || lingers)
            && found.start.min(self.asked) <= t
            && t < found.end
            && found.start.micros() > Reach::around(last).floor
            && found.end.micros() < Reach::around(first).horizon
    }
}

#[cfg(test)]
mod tests {
    use super::super::Period;
    use super::super::contract::at;
    use super::*;

    #[test]
    fn a_memo_knows_for_which_instants_it_answers() {
        let period = Period::new(at("2026-11-23T08:00:00Z"), at("2026-11-23T16:00:00Z")).unwrap();
        let memo = |found, is_lasting| Memo {
            asked: at("2026-11-23T00:00:00Z"),
            found,
            is_lasting,
        };
        let lasting = memo(Found::Period(period), true);
        for (t, answers) in [
            ("2026-11-23T00:00:00Z", true),
            ("2026-11-22T23:59:59Z", false),
            ("2026-11-23T15:59:59Z", true),
            ("2026-11-23T16:00:00Z", false),
        ] {
            assert_eq!(lasting.answers(at(t)), answers, "{t}");
        }
        for dear in [memo(Found::Period(period), false), memo(Found::None, true)] {
            assert!(dear.answers(at("2026-11-23T00:00:59Z")));
            assert!(!dear.answers(at("2026-11-23T00:01:00Z")));
            assert!(!dear.answers(at("2026-11-22T23:59:59Z")));
        }
        let later = at("2026-11-23T01:00:00Z");
        assert!(!memo(Found::Period(period), false).answers(later));
        assert!(!memo(Found::None, true).answers(later));
        assert!(memo(Found::None, true).answers(at("2026-11-23T00:00:00Z")));
    }
}

//! When windows are open and freezes hold, minute by minute: the second implementation that starts
//! are judged by. It knows nothing of calendars: what recurs does so every few minutes of an hour.

/// How many minutes are looked at.
pub(crate) const MINUTES: i64 = 240;

/// A row of minutes, each either in it or not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Minutes(Vec<bool>);

/// What opens or holds, in minutes: once from one to before another, or for so many from every
/// so-manieth minute of the hour on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Span {
    Once(i64, i64),
    Every(i64, i64),
}

impl Span {
    fn has(self, minute: i64) -> bool {
        match self {
            Self::Once(start, end) => start <= minute && minute < end,
            // What began before the first minute reaches into it.
            Self::Every(step, length) => {
                (0..length).any(|back| (minute - back).rem_euclid(step) == 0)
            }
        }
    }
}

impl Minutes {
    pub(crate) fn all() -> Self {
        Self(vec![true; MINUTES as usize])
    }

    pub(crate) fn union(spans: &[Span]) -> Self {
        let has = |minute| spans.iter().any(|span| span.has(minute));
        Self((0..MINUTES).map(has).collect())
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        let both = self
            .0
            .iter()
            .zip(&other.0)
            .map(|(one, other)| *one && *other);
        Self(both.collect())
    }

    pub(crate) fn between(&self, start: Option<i64>, end: Option<i64>) -> Self {
        let inside = |at: i64| start.is_none_or(|it| it <= at) && end.is_none_or(|it| at < it);
        let cut = (0..).zip(&self.0).map(|(at, has)| *has && inside(at));
        Self(cut.collect())
    }

    pub(crate) fn has(&self, minute: i64) -> bool {
        usize::try_from(minute).is_ok_and(|at| self.0.get(at) == Some(&true))
    }

    /// The first minute of them that is not over at a minute.
    pub(crate) fn first_from(&self, minute: i64) -> Option<i64> {
        (minute..MINUTES).find(|at| self.has(*at))
    }

    /// The first minute after one of them that is none.
    pub(crate) fn end_of(&self, minute: i64) -> i64 {
        (minute..MINUTES)
            .find(|at| !self.has(*at))
            .unwrap_or(MINUTES)
    }
}

#[test]
fn the_oracle_counts_minutes() {
    let minutes = Minutes::union(&[Span::Once(3, 5), Span::Every(20, 2)]);
    let found: Vec<i64> = (0..45).filter(|at| minutes.has(*at)).collect();
    assert_eq!(found, [0, 1, 3, 4, 20, 21, 40, 41]);
    assert_eq!((minutes.first_from(5), minutes.end_of(20)), (Some(20), 22));
    assert_eq!(minutes.between(Some(4), Some(21)).first_from(5), Some(20));
    // Longer than its step, it never ends.
    assert_eq!(Minutes::union(&[Span::Every(5, 6)]), Minutes::all());
}

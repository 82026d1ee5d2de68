//! Unions and intersections of periods in order, which skip what cannot matter.
//!
//! Each of them answers `next(from)`: the next period that ends after `from`. A period that starts
//! before `from` may be given with a later start, which is never after `from`; so the start of an
//! answer is exact where it lies after what was asked for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::occurrences::Occurrences;
use super::plan::Span;

/// How many dates and periods one search may look at: about ten milliseconds of work. Two policies
/// that are open on each working day and never meet take a thirtieth of it.
const LIMIT: u32 = 300_000;

/// A search would look at more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// What is left of the work a search may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    left: u32,
}

impl Budget {
    /// All of it.
    pub(super) fn new() -> Self {
        Self { left: LIMIT }
    }

    /// Takes one piece of work.
    pub(super) fn spend(&mut self) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(1).ok_or(TooMuch)?;
        Ok(())
    }

    /// Whether less than half of it was needed.
    pub(super) fn is_ample(self) -> bool {
        self.left > LIMIT / 2
    }
}

/// The periods of one source.
pub(super) enum Walk<'a> {
    /// A single one.
    Once(Option<Span>),
    /// Those of a recurrence.
    Recurring(Occurrences<'a>),
}

impl Walk<'_> {
    fn next(&mut self, from: i64, budget: &mut Budget) -> Result<Option<Span>, TooMuch> {
        match self {
            Self::Once(span) => Ok(span.take().filter(|span| span.1 > from)),
            Self::Recurring(occurrences) => occurrences.next(from, budget),
        }
    }
}

/// The union of a group.
pub(super) struct Union<'a> {
    walks: Vec<Walk<'a>>,
    /// The next period of each walk that has one, the earliest on top.
    heads: BinaryHeap<Reverse<(Span, usize)>>,
    is_started: bool,
}

impl<'a> Union<'a> {
    /// The union of these.
    pub(super) fn new(walks: Vec<Walk<'a>>) -> Self {
        Self {
            heads: BinaryHeap::with_capacity(walks.len()),
            walks,
            is_started: false,
        }
    }

    fn next(&mut self, from: i64, budget: &mut Budget) -> Result<Option<Span>, TooMuch> {
        if !self.is_started {
            self.is_started = true;
            for index in 0..self.walks.len() {
                self.pull(index, from, budget)?;
            }
        }
        let mut found: Option<Span> = None;
        while let Some(&Reverse((head, index))) = self.heads.peek() {
            if head.1 <= from {
                self.heads.pop();
                self.pull(index, from, budget)?;
                continue;
            }
            let merged = match found {
                None => head,
                Some(found) if head.0 <= found.1 => (found.0, found.1.max(head.1)),
                Some(_) => break,
            };
            found = Some(merged);
            self.heads.pop();
            // What ends inside adds nothing.
            self.pull(index, merged.1, budget)?;
        }
        Ok(found)
    }

    fn pull(&mut self, index: usize, from: i64, budget: &mut Budget) -> Result<(), TooMuch> {
        budget.spend()?;
        if let Some(walk) = self.walks.get_mut(index)
            && let Some(span) = walk.next(from, budget)?
        {
            self.heads.push(Reverse((span, index)));
        }
        Ok(())
    }
}

/// The intersection of groups.
pub(super) struct Meet<'a> {
    groups: Vec<(Union<'a>, Option<Span>)>,
}

impl<'a> Meet<'a> {
    /// The intersection of these.
    pub(super) fn new(groups: Vec<Union<'a>>) -> Self {
        Self {
            groups: groups.into_iter().map(|group| (group, None)).collect(),
        }
    }

    /// The next period in all groups that ends after `from`, which must not move back.
    pub(super) fn next(&mut self, from: i64, budget: &mut Budget) -> Result<Option<Span>, TooMuch> {
        if self.groups.is_empty() {
            return Ok(None);
        }
        // No period of all groups ends at or before this and after `from`.
        let mut point = from;
        loop {
            let mut met = (i64::MIN, i64::MAX);
            let reached = point;
            for (union, current) in &mut self.groups {
                if current.is_none_or(|span| span.1 <= point) {
                    *current = union.next(point, budget)?;
                }
                let Some(span) = *current else {
                    return Ok(None);
                };
                point = point.max(span.0);
                met = (met.0.max(span.0), met.1.min(span.1));
            }
            if point == reached {
                return Ok(Some(met));
            }
        }
    }
}

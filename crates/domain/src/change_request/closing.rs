//! What becomes of a task when its window or its period closes before it started (W2, W4).

use crate::Instant;
use crate::calendar::Period;
use crate::policy::{Bound, OnClose, ResultantPolicy};
use crate::task::Task;

/// What the end of a task's bounds does.
pub(super) enum Closing {
    /// It ends the task, at this instant: no period follows the last one, which is another than the
    /// task is bound to where a punctual settling would have bound it to that.
    Ends { last: Option<Period>, at: Instant },
    /// It binds the task to this period, the first one that has not passed too.
    Binds(Period),
}

/// What became of a task's bounds by `now`; `None` while they have not closed (W4). Where the rules
/// of a zone have changed since, the next period could begin before this one has ended: it is cut.
pub(super) fn closing(task: &Task, resultant: &ResultantPolicy, now: Instant) -> Option<Closing> {
    let end = task.bounds().end.filter(|&end| end <= now)?;
    if task.period.is_none() || resultant.on_close() == OnClose::Terminate {
        return Some(Closing::Ends {
            last: None,
            at: end,
        });
    }
    let next =
        |from: Instant, at: Instant| match resultant.period_after(task.content.spec.window, at) {
            Bound::To(period) => period.cut(Some(from), None),
            Bound::Free | Bound::Nowhere(_) => None,
        };
    if let Some(period) = next(end, now) {
        return Some(Closing::Binds(period));
    }
    let (mut at, mut last) = (end, None);
    while let Some(period) = next(at, at) {
        at = period.end;
        last = Some(period);
    }
    Some(Closing::Ends { last, at })
}

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
    let window = task.content.spec.window;
    let after = |period: Period| period.cut(Some(end), None);
    if let Bound::To(period) = resultant.period_after(window, now)
        && let Some(period) = after(period)
    {
        return Some(Closing::Binds(period));
    }
    // Nothing follows any more, so what has passed by now is all there ever was.
    let missed = resultant.calendar().periods_after(end);
    let missed = missed
        .map_while(|period| after(period)?.cut(window.start, window.end))
        .take_while(|period| period.end <= now);
    let last = missed.last();
    let at = last.map_or(end, |period| period.end);
    Some(Closing::Ends { last, at })
}

//! The calendar: when a policy's windows are open, and when a freeze holds (W3, W5, F1).
//!
//! Periods are half open and their ends are whole microseconds. A *recurrence* says at which local
//! wall-clock minutes something starts, in which zone, and how long it lasts. A *calendar* puts
//! recurrences and one-off periods together: a union within each group, an intersection across the
//! groups. What overlaps or touches is one period.
//!
//! Where a zone's clocks are put forward or back, a local time is skipped or comes twice. It then
//! has two readings: with the offset from before the shift, and with the one from after it. A
//! [`Reading`] says which is taken, so that a window is rather too short and a freeze rather too
//! long:
//!
//! | | window | freeze |
//! |---|---|---|
//! | start that is skipped | moved forward by what is skipped | the instant of the shift |
//! | start that comes twice | the first time | both times |
//! | local end, skipped or twice | the earlier reading | the later reading |
//! | an elapsed length | elapsed | elapsed; after a skipped start until the window would end |
//!
//! What has no instant left (its end is not after its start) does not happen.
//!
//! Two dates of a zone can be out of order near a shift, so nothing is handed out before it is
//! certain that no later date starts earlier. The layers, from the bottom:
//!
//! - [`Zone`], [`Cron`], [`Length`]: the checked values a [`Recurrence`] is made of.
//! - `shifts`: the shifts of a zone around a date, and what they do to local times.
//! - `plan`: what one local date contributes, as spans of instants.
//! - `occurrences`: the merged periods of one recurrence, date by date.
//! - `walk`: unions and intersections of them, which skip what cannot matter.
//! - `memo`: how far a search looks, and what its last answer is good for.
//! - [`Calendar`]: the search, bounded in time and in work.

mod cron;
mod length;
mod memo;
mod occurrences;
mod period;
mod plan;
mod recurrence;
mod search;
mod shifts;
mod spoken;
mod walk;
mod zone;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod model;

pub use cron::Cron;
pub use length::{Elapsed, Length, LocalTime};
pub use occurrences::HORIZON;
pub use period::Period;
pub use plan::Reading;
pub use recurrence::Recurrence;
pub use search::{Calendar, Found, Source};
pub use zone::{Zone, tzdb_version};

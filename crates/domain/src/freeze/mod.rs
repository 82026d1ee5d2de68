//! The freeze: a period, once or again and again, in which nothing in its scope may start (F1 to
//! F5).
//!
//! A freeze is live: it is matched against what each task was created with, whenever a task is
//! settled, so a start is bound from the very entry that declares, changes or lifts it. What it
//! does to tasks that wait or are cleared follows behind: the freeze has a due instant of its own,
//! at which a sweep looks at all tasks that are cleared or held by a freeze, in bounded steps, and
//! the freeze remembers how far it has come. A deleted freeze stays, in force no more, until that
//! is done.
//!
//! [`Freeze`] answers what holds at an instant, [`FreezeEvent`] is what the log says happened,
//! [`apply_freeze`] is the only way from one state to the next, and [`Outlook`] says what all of it
//! means for one task.

mod apply;
mod decide;
mod draft;
mod event;
mod outlook;
mod state;

pub use apply::apply_freeze;
pub use decide::{SweepFreeze, sweep_freeze};
pub(crate) use decide::{create_freeze, delete_freeze, lift_freeze, update_freeze};
pub use draft::{FreezeDraft, FreezeField};
pub use event::FreezeEvent;
pub use outlook::{Hold, Outlook, earliest_start, is_misplaced, outlook, would_hold};
pub use state::{Freeze, FreezeState, Lifted, Sweep};

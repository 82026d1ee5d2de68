//! Short ways to say when: periods, recurrences, and what is expected of them.

use countersign_proto::v1::blocker::Detail;
use countersign_proto::v1::change_window::Window;
use countersign_proto::v1::recurrence::Length;
use countersign_proto::v1::{
    BlockerKind, ChangeRequest, ChangeWindow, OnClose, Period, Policy, Recurrence, Task, Transition,
};
use prost_types::{Duration, Timestamp};

use super::{Gate, PolicySpec};

/// The instant that a text such as `2027-03-28T01:00:00Z` means.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let micros = micros_of(text);
    Some(Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap(),
    })
}

fn micros_of(text: &str) -> i64 {
    let instant: jiff::Timestamp = text.parse().unwrap();
    instant.as_microsecond()
}

/// An instant as a text such as `2027-03-28T01:00:00Z`; `-` where there is none.
pub(crate) fn spoken(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

/// A period between two instants that are texts.
pub(crate) fn period(start: &str, end: &str) -> Option<Period> {
    Some(Period {
        start: instant(start),
        end: instant(end),
    })
}

/// Starts by a cron expression in a zone, each of them for so many minutes.
pub(crate) fn lasting(starts: &str, time_zone: &str, minutes: i64) -> Recurrence {
    let duration = Duration {
        seconds: minutes * 60,
        nanos: 0,
    };
    Recurrence {
        starts: starts.to_owned(),
        time_zone: time_zone.to_owned(),
        length: Some(Length::Duration(duration)),
    }
}

/// Starts by a cron expression in a zone, each of them until a local time.
pub(crate) fn until(starts: &str, time_zone: &str, local_end: &str) -> Recurrence {
    Recurrence {
        length: Some(Length::LocalEnd(local_end.to_owned())),
        ..lasting(starts, time_zone, 0)
    }
}

/// The first ten minutes of every hour.
pub(crate) fn hourly() -> Recurrence {
    lasting("0 * * * *", "UTC", 10)
}

/// A window between two instants.
pub(crate) fn once(start: Option<Timestamp>, end: Option<Timestamp>) -> ChangeWindow {
    ChangeWindow {
        window: Some(Window::Once(Period { start, end })),
    }
}

/// A window again and again.
pub(crate) fn recurring(recurrence: Recurrence) -> ChangeWindow {
    ChangeWindow {
        window: Some(Window::Recurring(recurrence)),
    }
}

impl PolicySpec {
    /// One window more, between two instants.
    pub(crate) fn once(self, start: Option<Timestamp>, end: Option<Timestamp>) -> Self {
        self.with(|policy| policy.windows.push(once(start, end)))
    }

    /// One window more, again and again.
    pub(crate) fn recurring(self, recurrence: Recurrence) -> Self {
        self.with(|policy| policy.windows.push(recurring(recurrence)))
    }

    pub(crate) fn on_close(self, on_close: OnClose) -> Self {
        self.with(|policy| policy.on_close = on_close.into())
    }

    /// Nobody has to approve: it only says when.
    pub(crate) fn says_only_when(self) -> Self {
        self.with(|policy| {
            *policy = Policy {
                approvers: None,
                minimum_approvals: 0,
                ..policy.clone()
            };
        })
    }
}

impl Gate {
    /// Moves the clock to an instant while the scheduler sleeps.
    pub(crate) fn advance_to(&self, text: &str) {
        let left = micros_of(text) - self.clock.now().micros();
        self.clock.advance_micros(left);
    }

    /// Moves the clock to an instant, and has settled what became due.
    pub(crate) async fn pass_to(&self, text: &str) {
        self.advance_to(text);
        self.pass(0).await;
    }
}

/// A change request without what depends on the instant at which somebody asks: a task that time
/// lets start says "from now on".
pub(crate) fn at_any_time(mut cr: ChangeRequest) -> ChangeRequest {
    for task in &mut cr.tasks {
        task.earliest_start = None;
    }
    cr
}

/// What a task is blocked by, one after the other: `approval`, `window` with the instant at which
/// it opens, `freeze` with its id and the instant at which it ends.
pub(crate) fn blocked_by(task: &Task) -> Vec<String> {
    let told = task.blockers.iter().map(|blocker| match &blocker.detail {
        Some(Detail::Approval(approval)) => format!("approval {}", approval.missing),
        Some(Detail::Window(window)) => format!("window {}", spoken(window.opens_at)),
        Some(Detail::Freeze(freeze)) => {
            assert_eq!(blocker.kind(), BlockerKind::Freeze);
            format!("freeze {} {}", freeze.freeze_id, spoken(freeze.ends_at))
        }
        None => format!("{:?}", blocker.kind()),
    });
    told.collect()
}

/// Transitions, each as its kind and its local time.
pub(crate) fn turns(transitions: &[Transition]) -> Vec<String> {
    let told = transitions.iter().map(|it| {
        let kind = it.kind().as_str_name();
        let kind = kind.trim_start_matches("TRANSITION_KIND_");
        format!("{kind} {}", it.local_time)
    });
    told.collect()
}

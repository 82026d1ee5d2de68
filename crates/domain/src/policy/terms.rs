//! What a policy says beyond who and how many: whose approvals meet the minimum, which tasks share
//! a change request, whether approvals are checked again, how long things are good for, and when
//! tasks may start.

use serde::{Deserialize, Serialize};

use super::{ChangeWindow, OnClose};

/// Whose approvals can meet a policy's minimum (G2, G3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// Those of anyone in the union of all approvers.
    #[default]
    Pooled,
    /// Those of the policy's own approvers only; one person fills one place.
    Own,
}

impl Quorum {
    fn is_pooled(&self) -> bool {
        match self {
            Self::Pooled => true,
            Self::Own => false,
        }
    }
}

/// Which tasks share a change request (S1), the most restrictive first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// None: each task has its own.
    PerTask,
    /// Those of one release and one tenant.
    PerReleaseAndTenant,
    /// Those of one release, for all tenants.
    PerRelease,
}

/// How long something is good for, in microseconds (W7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeToLive(i64);

impl TimeToLive {
    /// The shortest: 1 second.
    pub const SHORTEST: Self = Self(1_000_000);
    /// The longest: 3,653 days, which is ten years.
    pub const LONGEST: Self = Self(3_653 * 86_400 * 1_000_000);

    /// So many microseconds, if they are neither too few nor too many.
    pub fn from_micros(micros: i64) -> Option<Self> {
        let found = Self(micros);
        (Self::SHORTEST..=Self::LONGEST)
            .contains(&found)
            .then_some(found)
    }

    /// How many microseconds.
    pub fn micros(self) -> i64 {
        self.0
    }
}

/// The terms of one policy. What is left out adds nothing to what other policies say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// Whose approvals meet the minimum.
    #[serde(default, skip_serializing_if = "Quorum::is_pooled")]
    pub quorum: Quorum,
    /// Which tasks share a change request; `None` leaves it to other policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// Whether approvals are checked again (D9).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recheck_approvers: bool,
    /// How long a change request may stay pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_ttl: Option<TimeToLive>,
    /// How long an approval is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_ttl: Option<TimeToLive>,
    /// How long ago an approver may have proven who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_auth_age: Option<TimeToLive>,
    /// When tasks may start: in any of them; none is at any time (W3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<ChangeWindow>,
    /// What becomes of a task when its period closes; `None` depends on the windows (W4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_close: Option<OnClose>,
}

impl Terms {
    /// Whether tasks may share a change request for as long as they like.
    pub fn shares_without_end(&self) -> bool {
        match self.sharing {
            None | Some(Sharing::PerTask) => false,
            Some(Sharing::PerReleaseAndTenant | Sharing::PerRelease) => {
                self.execution_ttl.is_none()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;
    use crate::calendar::Period;

    #[test]
    fn w7_a_time_to_live_has_bounds() {
        for (micros, fits) in [
            (999_999, false),
            (1_000_000, true),
            (3_653 * 86_400 * 1_000_000, true),
            (3_653 * 86_400 * 1_000_000 + 1, false),
            (-1, false),
            (i64::MAX, false),
        ] {
            assert_eq!(
                TimeToLive::from_micros(micros).is_some(),
                fits,
                "{micros} µs"
            );
        }
    }

    #[test]
    fn terms_that_say_nothing_leave_no_trace_in_a_text() {
        let text = serde_json::to_string(&Terms::default()).unwrap();
        assert_eq!(text, "{}");
        assert_eq!(
            serde_json::from_str::<Terms>("{}").unwrap(),
            Terms::default()
        );
        let all = Terms {
            quorum: Quorum::Own,
            sharing: Some(Sharing::PerRelease),
            recheck_approvers: true,
            approval_ttl: Some(TimeToLive::SHORTEST),
            execution_ttl: Some(TimeToLive::LONGEST),
            max_auth_age: Some(TimeToLive::SHORTEST),
            windows: vec![ChangeWindow::Once(Period {
                start: Instant::EPOCH,
                end: Instant::LAST,
            })],
            on_close: Some(OnClose::Terminate),
        };
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), all);
    }
}

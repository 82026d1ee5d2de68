//! W6: a task may start exactly while its change request is approved and its window is open.

use countersign_proto::v1::{TaskSpec, TaskState};

use crate::gate::{Expect, deployment, window};

const SECOND: i64 = 1_000_000;

/// What becomes of a claim.
#[derive(Debug, Clone, Copy)]
enum Claim {
    Granted,
    /// Not now: the task waits for this.
    Waits(&'static str),
    Never,
}

/// Microseconds after creation; the claim on an approved task then, and on one that is not. The
/// window is open from second 10 to second 20.
const ROWS: [(i64, Claim, Claim); 4] = [
    (
        10 * SECOND - 1,
        Claim::Waits("window"),
        Claim::Waits("approval"),
    ),
    (10 * SECOND, Claim::Granted, Claim::Waits("approval")),
    (20 * SECOND - 1, Claim::Granted, Claim::Waits("approval")),
    (20 * SECOND, Claim::Never, Claim::Never),
];

on_both_stores! {
    async fn w6_a_start_is_granted_exactly_while_approved_and_inside_the_window(gate) {
        gate.alice_approves().await;
        // A task for each cell, so that what happens in one bears on no other.
        let windowed = |id: &str| TaskSpec {
            window: window(gate.at(10), gate.at(20)),
            ..deployment(id)
        };
        for (micros, ..) in ROWS {
            gate.approved(windowed(&format!("approved-{micros}"))).await;
            gate.waiting(windowed(&format!("pending-{micros}"))).await;
        }
        let mut passed = 0;
        for (micros, approved, pending) in ROWS {
            gate.clock.advance_micros(micros - passed);
            passed = micros;
            for (kind, expected) in [("approved", approved), ("pending", pending)] {
                let claimed = gate.runner().start(&format!("{kind}-{micros}"), 1, "claim").await;
                match expected {
                    Claim::Granted => assert_eq!(claimed.granted().state(), TaskState::Running),
                    Claim::Waits(what) => {
                        let refused = claimed.refused("START_NOT_NOW", "P4");
                        assert_eq!(refused.fact("waiting_for"), what, "{kind} at {micros}");
                    }
                    Claim::Never => {
                        claimed.refused("START_NEVER", "P4");
                    }
                }
            }
        }
    }
}

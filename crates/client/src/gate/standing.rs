//! What to do next, from what is known. Pure: no call is made and no time is read here.

use countersign_proto::v1::{Permit, TerminationReason};
use tonic::Status;
use tonic_types::StatusExt;

use super::grant::Claim;
use super::outcome::{Outcome, Termination};
use super::progress::Call;
use super::start::Answer;
use super::told::Told;
use crate::reason;

/// What is to be done next.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Wait for the next signal.
    Wait,
    /// Claim the start.
    Claim(Claim),
    /// It is over.
    Over(Box<Outcome>),
}

/// What is known about the task and its claim.
#[derive(Debug)]
pub(super) struct Standing {
    task_id: String,
    claim_id: String,
    artifact_digest: String,
    /// How many answers may be OK without saying what was claimed.
    unverified_left: u32,
    /// Whether everything was told that the server knows.
    synced: bool,
    told: Option<Told>,
    /// A claim with this generation was refused, and always will be.
    refused_generation: Option<u64>,
    /// A claim whose answer is being waited for.
    in_flight: Option<Claim>,
    /// A claim whose answer was lost.
    in_doubt: Option<Claim>,
    over: Option<Outcome>,
}

impl Standing {
    pub(super) fn new(
        task_id: String,
        claim_id: String,
        artifact_digest: String,
        unverified_limit: u32,
    ) -> Self {
        Self {
            task_id,
            claim_id,
            artifact_digest,
            unverified_left: unverified_limit,
            synced: false,
            told: None,
            refused_generation: None,
            in_flight: None,
            in_doubt: None,
            over: None,
        }
    }

    pub(super) fn task_id(&self) -> &str {
        &self.task_id
    }

    pub(super) fn has_empty_ids(&self) -> bool {
        self.task_id.is_empty() || self.claim_id.is_empty()
    }

    /// A claim that may have been granted.
    pub(super) fn in_doubt(&self) -> Option<Claim> {
        self.in_flight.as_ref().or(self.in_doubt.as_ref()).cloned()
    }

    /// What was told about this task is complete.
    pub(super) fn synced(&mut self) {
        self.synced = true;
    }

    /// It may no longer be true.
    pub(super) fn lost(&mut self) {
        self.synced = false;
    }

    /// It was true of another store. Generations count anew; a claim in doubt stays in doubt.
    pub(super) fn begin_anew(&mut self) {
        self.synced = false;
        self.told = None;
        self.refused_generation = None;
    }

    /// Something newer was told. Signals of one task come in order, so one that says that the task
    /// has not started settles the doubt about every older permit.
    pub(super) fn tell(&mut self, told: Told) {
        let settled_below = match &told {
            Told::Hold { .. } | Told::Terminate(_) => Some(u64::MAX),
            Told::Proceed(permit) => Some(permit.generation),
            Told::Running { .. } | Told::HasRun { .. } | Told::Distrusted(_) => None,
        };
        if let (Some(limit), Some(doubt)) = (settled_below, &self.in_doubt)
            && doubt.generation < limit
        {
            self.refused_generation = Some(doubt.generation);
            self.in_doubt = None;
        }
        self.told = Some(told);
    }

    /// What is to be done next. Ends are believed at once; a start is claimed only while the
    /// signals are complete.
    pub(super) fn step(&self) -> Step {
        if let Some(outcome) = &self.over {
            return Step::Over(Box::new(outcome.clone()));
        }
        match &self.told {
            None | Some(Told::Hold { .. } | Told::Distrusted(_)) => Step::Wait,
            Some(Told::Proceed(Permit { generation, .. })) => self.claim(*generation),
            Some(Told::Terminate(termination)) => over(Outcome::Terminated(termination.clone())),
            Some(Told::Running {
                claim_id,
                generation,
            }) if *claim_id == self.claim_id => self.claim(*generation),
            Some(Told::Running { .. }) => over(Outcome::Taken {
                message: "the task was started under another claim".to_owned(),
            }),
            Some(Told::HasRun { message }) => over(Outcome::Taken {
                message: message.clone(),
            }),
        }
    }

    fn claim(&self, generation: u64) -> Step {
        if !self.synced || generation == 0 || self.refused_generation == Some(generation) {
            return Step::Wait;
        }
        Step::Claim(Claim {
            task_id: self.task_id.clone(),
            claim_id: self.claim_id.clone(),
            generation,
            artifact_digest: self.artifact_digest.clone(),
        })
    }

    /// A claim is being sent: from now on it may be granted.
    pub(super) fn claiming(&mut self, claim: &Claim) {
        self.in_flight = Some(claim.clone());
    }

    /// A claim was answered.
    pub(super) fn answered(&mut self, claim: &Claim, answer: Answer) {
        self.in_flight = None;
        match answer {
            Answer::Granted(grant) => {
                self.in_doubt = None;
                self.over = Some(Outcome::Granted(grant));
            }
            Answer::NotNow(_) => {
                self.in_doubt = None;
                self.refused_generation = Some(claim.generation);
            }
            Answer::Never(status) => self.over = Some(ended(&status)),
            Answer::Taken(status) => {
                let message = status.message().to_owned();
                self.over = Some(Outcome::Taken { message });
            }
            Answer::Refused(status) => {
                // A refusal without the gate's own reason may come from something in between,
                // which knows nothing of what the gate did.
                if reason(&status).is_none() {
                    self.in_doubt = Some(claim.clone());
                }
                self.refused(Call::Start, status);
            }
            Answer::InDoubt(_) => self.in_doubt = Some(claim.clone()),
            Answer::Unverified(why) => {
                self.in_doubt = Some(claim.clone());
                self.unverified_left = self.unverified_left.saturating_sub(1);
                if self.unverified_left == 0 {
                    self.refused(Call::Start, Status::data_loss(why));
                }
            }
        }
    }

    /// A call was refused for good.
    pub(super) fn refused(&mut self, call: Call, status: Status) {
        let in_doubt = self.in_doubt();
        self.over = Some(Outcome::Refused {
            call,
            status,
            in_doubt,
        });
    }
}

fn over(outcome: Outcome) -> Step {
    Step::Over(Box::new(outcome))
}

/// START_NEVER: the task has ended, with or without having run.
fn ended(status: &Status) -> Outcome {
    let message = status.message().to_owned();
    let info = status.get_details_error_info();
    let found = info.as_ref().and_then(|info| info.metadata.get("found"));
    match found.map(String::as_str) {
        Some("SUCCEEDED" | "FAILED") => Outcome::Taken { message },
        _ => Outcome::Terminated(Termination {
            reason: TerminationReason::Unspecified,
            message,
        }),
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::ERROR_DOMAIN;
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    fn standing() -> Standing {
        let mut standing = Standing::new("t".to_owned(), "c".to_owned(), String::new(), 2);
        standing.synced();
        standing
    }

    fn proceed(generation: u64) -> Told {
        Told::Proceed(Permit {
            generation,
            valid_until: None,
        })
    }

    fn hold() -> Told {
        Told::Hold {
            change_request: String::new(),
            message: String::new(),
        }
    }

    fn running(claim_id: &str) -> Told {
        Told::Running {
            claim_id: claim_id.to_owned(),
            generation: 1,
        }
    }

    fn terminate() -> Told {
        Told::Terminate(Termination {
            reason: TerminationReason::Rejected,
            message: String::new(),
        })
    }

    fn step(standing: &Standing) -> String {
        match standing.step() {
            Step::Wait => "wait".to_owned(),
            Step::Claim(claim) => format!("claim {}", claim.generation),
            Step::Over(outcome) => match *outcome {
                Outcome::Granted(_) => "granted".to_owned(),
                Outcome::Terminated(_) => "terminated".to_owned(),
                Outcome::Taken { .. } => "taken".to_owned(),
                Outcome::Refused { in_doubt, .. } => format!("refused {}", in_doubt.is_some()),
                Outcome::GaveUp { .. } => "gave up".to_owned(),
            },
        }
    }

    /// Claims what is to be claimed now, and is answered so.
    fn claim(standing: &mut Standing, answer: Answer) {
        let Step::Claim(claim) = standing.step() else {
            panic!("nothing is to be claimed: {standing:?}");
        };
        standing.claiming(&claim);
        assert!(standing.in_doubt().is_some());
        standing.answered(&claim, answer);
    }

    fn status() -> Status {
        Status::new(Code::Unavailable, "")
    }

    #[test]
    fn p1_each_thing_told_has_its_step() {
        let rows = [
            (hold(), "wait", "wait"),
            (proceed(1), "claim 1", "wait"),
            (terminate(), "terminated", "terminated"),
            (running("c"), "claim 1", "wait"),
            (running("other"), "taken", "taken"),
            (
                Told::HasRun {
                    message: String::new(),
                },
                "taken",
                "taken",
            ),
            (Told::Distrusted(""), "wait", "wait"),
        ];
        for (told, expected, while_lost) in rows {
            let mut standing = standing();
            assert_eq!(step(&standing), "wait");
            standing.tell(told.clone());
            assert_eq!(step(&standing), expected, "{told:?}");
            standing.lost();
            assert_eq!(step(&standing), while_lost, "{told:?}");
            standing.begin_anew();
            standing.synced();
            assert_eq!(step(&standing), "wait", "{told:?}");
        }
    }

    #[test]
    fn p4_a_refused_generation_is_not_claimed_again() {
        let mut standing = standing();
        standing.tell(proceed(2));
        claim(&mut standing, Answer::NotNow(status()));
        assert_eq!(
            (step(&standing).as_str(), standing.in_doubt()),
            ("wait", None)
        );
        for (told, expected) in [
            (proceed(2), "wait"),
            (hold(), "wait"),
            (proceed(2), "wait"),
            (proceed(3), "claim 3"),
        ] {
            standing.tell(told);
            assert_eq!(step(&standing), expected);
        }
    }

    #[test]
    fn p3_a_claim_in_doubt_is_repeated_until_it_is_known() {
        let mut standing = standing();
        standing.tell(proceed(1));
        for _ in 0..5 {
            claim(&mut standing, Answer::InDoubt(status()));
            assert_eq!(step(&standing), "claim 1");
        }
        claim(&mut standing, Answer::Taken(status()));
        assert_eq!(step(&standing), "taken");
    }

    #[test]
    fn doubt_ends_when_the_task_is_told_not_to_have_started() {
        let rows = [
            (hold(), false),
            (terminate(), false),
            (proceed(2), false),
            (proceed(1), true),
            (running("c"), true),
            (Told::Distrusted(""), true),
        ];
        for (told, in_doubt) in rows {
            let mut standing = standing();
            standing.tell(proceed(1));
            claim(&mut standing, Answer::InDoubt(status()));
            standing.tell(told.clone());
            assert_eq!(standing.in_doubt().is_some(), in_doubt, "{told:?}");
        }
    }

    fn refusal() -> Status {
        let details = ErrorDetails::with_error_info("ROLE_REQUIRED", ERROR_DOMAIN, []);
        Status::with_error_details(Code::PermissionDenied, "", details)
    }

    #[test]
    fn a_refusal_says_whether_an_earlier_claim_is_in_doubt() {
        let mut fresh = standing();
        fresh.tell(proceed(1));
        claim(&mut fresh, Answer::Refused(refusal()));
        assert_eq!(step(&fresh), "refused false");

        let mut between = standing();
        between.tell(proceed(1));
        claim(&mut between, Answer::Refused(status()));
        assert_eq!(step(&between), "refused true");

        let mut doubtful = standing();
        doubtful.tell(proceed(1));
        claim(&mut doubtful, Answer::InDoubt(status()));
        claim(&mut doubtful, Answer::Refused(refusal()));
        assert_eq!(step(&doubtful), "refused true");
    }

    #[test]
    fn answers_that_do_not_verify_are_repeated_so_often_only() {
        let mut standing = standing();
        standing.tell(proceed(1));
        claim(&mut standing, Answer::Unverified("odd"));
        claim(&mut standing, Answer::Unverified("odd"));
        assert_eq!(step(&standing), "refused true");
    }
}

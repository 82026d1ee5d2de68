//! How many approvals are missing, and who could still give them (G1, G4).

use super::{Case, CrState};
use crate::directory::Directory;
use crate::ids::TeamId;
use crate::person::Person;
use crate::policy::Approver;

/// What is missing, and from whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deficit {
    /// How many more distinct people must approve.
    pub missing: u32,
    /// People who could.
    pub people: Vec<Person>,
    /// Teams of which some member could; who is in a claimed team is unknown, so it always could.
    pub teams: Vec<TeamId>,
}

/// How many approvals are missing from the quorum.
pub(super) fn missing(case: &Case) -> u32 {
    case.resultant
        .minimum_approvals
        .saturating_sub(case.counted())
}

/// What is missing from a pending change request; nothing from any other.
pub fn deficit(case: &Case, directory: &Directory) -> Deficit {
    match case.change_request.state {
        CrState::Pending { .. } => {}
        CrState::Approved { .. }
        | CrState::Rejected { .. }
        | CrState::Expired { .. }
        | CrState::Withdrawn { .. } => return Deficit::default(),
    }
    let mut found = Deficit {
        missing: missing(case),
        ..Deficit::default()
    };
    for named in &case.resultant.approvers {
        match &named.approver {
            Approver::User(person) if could_approve(case, person) => {
                found.people.push(person.clone());
            }
            Approver::User(_) => {}
            Approver::Team(team_ref) => {
                let Some(team) = directory.living_team(team_ref) else {
                    continue;
                };
                let draft = &team.draft;
                if draft.claimed || draft.members.iter().any(|p| could_approve(case, p)) {
                    found.teams.push(team_ref.id.clone());
                }
            }
        }
    }
    found
}

/// Whether an eligible person's approval would be one more.
fn could_approve(case: &Case, person: &Person) -> bool {
    use super::Verdict;
    let counted = case.change_request.decision_of(person);
    let approved = counted.is_some_and(|decision| decision.verdict == Verdict::Approved);
    let barred = case.resultant.block_creator && case.was_triggered_by(person);
    !approved && !barred
}

//! Whether, and through what, a person may decide (D1, D2, D8).

use serde::{Deserialize, Serialize};

use super::Case;
use crate::access::Principal;
use crate::directory::Directory;
use crate::ids::TeamId;
use crate::policy::{Approver, ResultantPolicy};
use crate::refusal::Refusal;

/// Through what a person was entitled to decide.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Eligibility {
    /// Named in the policy.
    pub directly: bool,
    /// A member of these teams at that instant.
    pub through: Vec<TeamId>,
    /// As the first creator, who may always reject.
    pub as_creator: bool,
}

impl Eligibility {
    /// Whether the person is an approver.
    pub fn is_approver(&self) -> bool {
        self.directly || !self.through.is_empty()
    }
}

/// Through what a caller is an approver now; teams are read as they are at this instant. A team
/// that was deleted has no members, also when another one was made under its id (D10).
pub fn eligibility(
    resultant: &ResultantPolicy,
    caller: &Principal,
    directory: &Directory,
) -> Eligibility {
    let mut found = Eligibility::default();
    for named in &resultant.approvers {
        match &named.approver {
            Approver::User(person) => found.directly |= *person == caller.person,
            Approver::Team(team_ref) => {
                let Some(team) = directory.living_team(team_ref) else {
                    continue;
                };
                let member = if team.draft.claimed {
                    caller.claimed_teams.contains(&team_ref.id)
                } else {
                    team.draft.members.contains(&caller.person)
                };
                if member {
                    found.through.push(team_ref.id.clone());
                }
            }
        }
    }
    found
}

/// Refuses callers that can never decide: services, and the credentials of orchestrators and
/// runners.
pub(super) fn check_may_decide(caller: &Principal) -> Result<(), Refusal> {
    if caller.may_decide() {
        Ok(())
    } else {
        Err(Refusal::CannotDecide)
    }
}

/// Whether the caller triggered the first task.
pub(super) fn is_first_creator(case: &Case, caller: &Principal) -> bool {
    let creator = case.change_request.content.creator.as_ref();
    creator.is_some_and(|creator| creator.person == caller.person)
}

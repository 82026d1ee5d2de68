//! Whether, and through what, a person may decide (D1, D2, D8).

use serde::{Deserialize, Serialize};

use super::{Case, Decision};
use crate::access::Principal;
use crate::directory::Directory;
use crate::ids::TeamId;
use crate::person::Person;
use crate::policy::{Approver, Groups, ResultantPolicy};
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
    let claims = |team: &TeamId| caller.claimed_teams.contains(team);
    eligibility_of(resultant, &caller.person, claims, directory)
}

/// Whether an approval that counts still stands (D9): the person is an approver now, and of every
/// group that the approval may fill a place of. Who is in a claimed team only a credential says,
/// and none is at hand, so an approval through one stays as long as that team does.
pub(super) fn still_stands(
    resultant: &ResultantPolicy,
    decision: &Decision,
    directory: &Directory,
) -> bool {
    let then = &decision.eligibility;
    let claimed = |team: &TeamId| then.through.contains(team);
    let person = &decision.person;
    let now = eligibility_of(resultant, person, claimed, directory);
    let lost = own_groups(resultant, then, person) & !own_groups(resultant, &now, person);
    now.is_approver() && lost == 0
}

/// The groups of which an eligible person may fill a place: the policies that need their own
/// approvers and name the person, or a team through which the person was eligible.
pub(super) fn own_groups(
    resultant: &ResultantPolicy,
    eligibility: &Eligibility,
    person: &Person,
) -> Groups {
    let directly = resultant
        .named_user(person)
        .filter(|_| eligibility.directly);
    let teams = eligibility.through.iter();
    let through = teams.filter_map(|id| resultant.named_team(id));
    let named = directly.into_iter().chain(through);
    named.fold(0, |groups, named| groups | resultant.groups_of(named))
}

fn eligibility_of(
    resultant: &ResultantPolicy,
    person: &Person,
    claims: impl Fn(&TeamId) -> bool,
    directory: &Directory,
) -> Eligibility {
    let mut found = Eligibility {
        directly: resultant.named_user(person).is_some(),
        ..Eligibility::default()
    };
    for named in &resultant.approvers {
        match &named.approver {
            Approver::User(_) => {}
            Approver::Team(team_ref) => {
                let Some(team) = directory.living_team(team_ref) else {
                    continue;
                };
                let member = if team.draft.claimed {
                    claims(&team_ref.id)
                } else {
                    team.draft.members.contains(person)
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

//! What is allowed, but worth a second look (G2, G6, M6).

use std::collections::BTreeSet;

use super::{Approver, ResultantPolicy};
use crate::directory::Directory;
use crate::ids::PolicyId;
use crate::person::{Creator, Person};
use crate::policy::PolicyDraft;

/// Something worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Too few distinct people are eligible (G6).
    MinimumUnreachable {
        /// How many must approve.
        minimum: u32,
        /// How many could.
        eligible: usize,
        /// The policy being saved, if one is.
        policy: Option<PolicyId>,
    },
    /// Other policies' approvers alone can reach this policy's minimum (G2).
    OwnApproversNotNeeded {
        /// The policy.
        policy: PolicyId,
    },
    /// No policy matched (M6).
    NoPolicyMatched,
}

impl Warning {
    /// The warning as a sentence, with the cure.
    pub fn sentence(&self) -> String {
        match self {
            Self::MinimumUnreachable { minimum, eligible, policy: None } => format!(
                "{minimum} approvals are required but only {eligible} people could give one; \
                 withdraw the task, mend the policy or the team, and create a new task"
            ),
            Self::MinimumUnreachable { minimum, eligible, policy: Some(_) } => format!(
                "{minimum} approvals are required but only {eligible} people could give one; \
                 add approvers or lower the minimum"
            ),
            Self::OwnApproversNotNeeded { policy } => {
                format!("policy {policy} can be met without its own approvers")
            }
            Self::NoPolicyMatched => {
                "no policy matched, so nobody has to approve; check the project, the environment \
                 and their tags, or turn on require_policy"
                    .to_owned()
            }
        }
    }
}

/// The warnings of a change request, judged by the teams as they are now.
pub fn change_request_warnings(
    resultant: &ResultantPolicy,
    creator: Option<&Creator>,
    directory: &Directory,
) -> Vec<Warning> {
    if resultant.policies.is_empty() {
        return vec![Warning::NoPolicyMatched];
    }
    let mut found = Vec::new();
    let approvers = resultant.approvers.iter().map(|a| &a.approver);
    if let Some(mut eligible) = eligible_people(approvers, directory) {
        if resultant.block_creator
            && let Some(creator) = creator
        {
            eligible.remove(&creator.person);
        }
        if eligible.len() < resultant.minimum_approvals as usize {
            found.push(Warning::MinimumUnreachable {
                minimum: resultant.minimum_approvals,
                eligible: eligible.len(),
                policy: None,
            });
        }
    }
    found.extend(pooled_warnings(resultant));
    found
}

/// The warnings of a policy that is being saved. The creator block counts as one person fewer where
/// every eligible person could be the creator: a task of theirs could not reach the minimum.
pub fn policy_warnings(policy: &PolicyDraft, directory: &Directory) -> Vec<Warning> {
    let mut found = Vec::new();
    let users = policy.approvers.users.iter().cloned().map(Approver::User);
    let teams = policy.approvers.teams.iter().filter_map(|id| directory.team_ref(id));
    let approvers: Vec<Approver> = users.chain(teams.map(Approver::Team)).collect();
    if let Some(eligible) = eligible_people(approvers.iter(), directory) {
        let spare = usize::from(policy.block_creator);
        if eligible.len().saturating_sub(spare) < policy.minimum_approvals as usize {
            found.push(Warning::MinimumUnreachable {
                minimum: policy.minimum_approvals,
                eligible: eligible.len().saturating_sub(spare),
                policy: Some(policy.id.clone()),
            });
        }
    }
    let overlaps = directory.policies().any(|other| {
        let brings_others = other.draft.approvers != policy.approvers;
        other.draft.id != policy.id
            && !other.draft.disabled
            && brings_others
            && scopes_may_overlap(&other.draft, policy)
    });
    if overlaps && !policy.disabled {
        found.push(Warning::OwnApproversNotNeeded { policy: policy.id.clone() });
    }
    found
}

/// Policies whose minimum the other policies' approvers alone could reach (G2).
fn pooled_warnings(resultant: &ResultantPolicy) -> impl Iterator<Item = Warning> {
    let outsiders = |policy: &PolicyId| {
        resultant.approvers.iter().any(|approver| !approver.policies.contains(policy))
    };
    let named = resultant.policies.iter().filter(move |policy| outsiders(&policy.id));
    let found: Vec<Warning> = named
        .map(|policy| Warning::OwnApproversNotNeeded { policy: policy.id.clone() })
        .collect();
    found.into_iter()
}

/// Everyone who could approve, or `None` where a team is claimed by credentials and so unknown.
fn eligible_people<'a>(
    approvers: impl Iterator<Item = &'a Approver>,
    directory: &Directory,
) -> Option<BTreeSet<Person>> {
    let mut people = BTreeSet::new();
    for approver in approvers {
        match approver {
            Approver::User(person) => {
                people.insert(person.clone());
            }
            Approver::Team(team) => {
                let Some(team) = directory.living_team(team) else { continue };
                if team.draft.claimed {
                    return None;
                }
                people.extend(team.draft.members.iter().cloned());
            }
        }
    }
    Some(people)
}

/// Whether some task could fall under both policies.
fn scopes_may_overlap(one: &PolicyDraft, other: &PolicyDraft) -> bool {
    one.scopes.iter().any(|a| other.scopes.iter().any(|b| a.may_overlap(b)))
}

//! What is allowed, but worth a second look (G2, G6, M6).

use std::collections::BTreeSet;

use super::{Approver, ResultantApprover, ResultantPolicy};
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
            Self::MinimumUnreachable {
                minimum,
                eligible,
                policy: None,
            } => format!(
                "{minimum} approvals are required but only {eligible} people could give one; \
                 withdraw the task, mend the policy or the team, and create a new task"
            ),
            Self::MinimumUnreachable {
                minimum,
                eligible,
                policy: Some(_),
            } => format!(
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
    let minimum = resultant.minimum_approvals;
    let barred = creator
        .filter(|_| resultant.block_creator)
        .map(|creator| &creator.person);
    let all = Eligible::of(resultant.approvers.iter().map(|a| &a.approver), directory);
    if let Some(mut eligible) = all.known() {
        eligible.retain(|person| Some(person) != barred);
        if eligible.len() < minimum as usize {
            found.push(Warning::MinimumUnreachable {
                minimum,
                eligible: eligible.len(),
                policy: None,
            });
        }
    }
    for policy in &resultant.policies {
        let own = |approver: &&ResultantApprover| approver.policies.contains(&policy.id);
        let (own, others): (Vec<_>, Vec<_>) = resultant.approvers.iter().partition(own);
        let own = Eligible::of(own.iter().map(|a| &a.approver), directory);
        let others = Eligible::of(others.iter().map(|a| &a.approver), directory);
        if others.reach_without(&own, barred, minimum) {
            found.push(Warning::OwnApproversNotNeeded {
                policy: policy.id.clone(),
            });
        }
    }
    found
}

/// The warnings of a policy that is being saved. The creator block counts as one person fewer where
/// every eligible person could be the creator: a task of theirs could not reach the minimum. Every
/// other policy that a task could match together with it is looked at, one at a time.
pub fn policy_warnings(policy: &PolicyDraft, directory: &Directory) -> Vec<Warning> {
    let mut found = Vec::new();
    let own = Eligible::of(approvers(policy, directory).iter(), directory);
    if let Some(eligible) = own.clone().known() {
        let eligible = eligible
            .len()
            .saturating_sub(usize::from(policy.block_creator));
        if eligible < policy.minimum_approvals as usize {
            found.push(Warning::MinimumUnreachable {
                minimum: policy.minimum_approvals,
                eligible,
                policy: Some(policy.id.clone()),
            });
        }
    }
    let mut not_needed = BTreeSet::new();
    let others = directory.policies().map(|other| &other.draft);
    for other in others.filter(|other| binds_together(policy, other)) {
        let theirs = Eligible::of(approvers(other, directory).iter(), directory);
        let minimum = policy.minimum_approvals.max(other.minimum_approvals);
        if theirs.reach_without(&own, None, minimum) {
            not_needed.insert(&policy.id);
        }
        if own.reach_without(&theirs, None, minimum) {
            not_needed.insert(&other.id);
        }
    }
    let not_needed = not_needed.into_iter().cloned();
    found.extend(not_needed.map(|policy| Warning::OwnApproversNotNeeded { policy }));
    found
}

/// The people who could approve, as far as they are known.
#[derive(Debug, Clone, Default)]
struct Eligible {
    people: BTreeSet<Person>,
    /// A team is claimed by credentials, so anybody may be in it (D10).
    or_anybody: bool,
}

impl Eligible {
    fn of<'a>(approvers: impl Iterator<Item = &'a Approver>, directory: &Directory) -> Self {
        let mut found = Self::default();
        for approver in approvers {
            match approver {
                Approver::User(person) => {
                    found.people.insert(person.clone());
                }
                Approver::Team(team) => {
                    let Some(team) = directory.living_team(team) else {
                        continue;
                    };
                    found.or_anybody |= team.draft.claimed;
                    found.people.extend(team.draft.members.iter().cloned());
                }
            }
        }
        found
    }

    /// Everyone, where that is known.
    fn known(self) -> Option<BTreeSet<Person>> {
        (!self.or_anybody).then_some(self.people)
    }

    /// Whether enough of them could approve who are not among the others.
    fn reach_without(&self, others: &Self, barred: Option<&Person>, minimum: u32) -> bool {
        let apart = self.people.difference(&others.people);
        let count = apart.filter(|&person| Some(person) != barred).count();
        self.or_anybody || count >= minimum as usize
    }
}

fn approvers(policy: &PolicyDraft, directory: &Directory) -> Vec<Approver> {
    let users = policy.approvers.users.iter().cloned().map(Approver::User);
    let teams = policy
        .approvers
        .teams
        .iter()
        .filter_map(|id| directory.team_ref(id));
    users.chain(teams.map(Approver::Team)).collect()
}

/// Whether some task could fall under both of two policies that are switched on.
fn binds_together(one: &PolicyDraft, other: &PolicyDraft) -> bool {
    one.id != other.id && !one.disabled && !other.disabled && scopes_may_overlap(one, other)
}

/// Whether some task could fall under both policies.
fn scopes_may_overlap(one: &PolicyDraft, other: &PolicyDraft) -> bool {
    one.scopes
        .iter()
        .any(|a| other.scopes.iter().any(|b| a.may_overlap(b)))
}

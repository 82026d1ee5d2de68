//! What is allowed, but worth a second look (D2, G2, G6, M6).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Approver, Groups, Places, Quorum, ResultantApprover, ResultantPolicy, scopes_may_overlap,
};
use crate::change_request::Case;
use crate::confusable::{self, Pair, Seen};
use crate::directory::Directory;
use crate::ids::{FreezeId, PolicyId, TeamId};
use crate::person::Person;
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
        /// The policy whose own approvers those are; `None`: all of a change request together.
        policy: Option<PolicyId>,
        /// What can be done about it.
        cure: Cure,
    },
    /// Other policies' approvers alone can reach this policy's minimum (G2).
    OwnApproversNotNeeded {
        /// The policy.
        policy: PolicyId,
    },
    /// No policy matched (M6).
    NoPolicyMatched,
    /// Change requests are shared, and approvals are good for ever (W7).
    SharingWithoutExecutionTtl {
        /// The policy.
        policy: PolicyId,
    },
    /// Approvals are to be checked again, but not those through this team (D9, D10).
    ClaimedTeamNotRechecked {
        /// The policy.
        policy: PolicyId,
        /// The team.
        team: TeamId,
    },
    /// A window lies in the past for good (W3).
    WindowPast {
        /// The policy.
        policy: PolicyId,
        /// Which of its windows, from 0.
        index: usize,
    },
    /// The windows of two policies are never open together (W4).
    WindowsNeverMeet {
        /// The policy.
        policy: PolicyId,
        /// The other one.
        other: PolicyId,
    },
    /// Every period of the next year lies inside recurring freezes (F1).
    WindowsInsideFreezes {
        /// The policy.
        policy: PolicyId,
        /// The freezes.
        freezes: Vec<FreezeId>,
    },
    /// Two persons look alike, and neither counts as the other (D2).
    ConfusableNames {
        /// One of them.
        first: Seen,
        /// The other.
        second: Seen,
        /// The policy that names both; `None`: a change request names them.
        policy: Option<PolicyId>,
    },
}

/// What can be done about a minimum that nobody can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Mend the policy that is being saved.
    MendPolicy,
    /// Withdraw the task, mend the policy, and create a new task: this change request is frozen.
    CreateAnew,
}

impl Warning {
    /// The warning as a sentence, with the cure.
    pub fn sentence(&self) -> String {
        match self {
            Self::MinimumUnreachable {
                minimum,
                eligible,
                policy,
                cure,
            } => {
                let found = match (policy, cure) {
                    (Some(policy), Cure::CreateAnew) => format!(
                        "{minimum} approvals are required from policy {policy}'s own approvers, \
                         but only {eligible} can be had beside what other policies require: one \
                         person fills one place"
                    ),
                    (Some(_), Cure::MendPolicy) | (None, _) => format!(
                        "{minimum} approvals are required but only {eligible} people could give \
                         one"
                    ),
                };
                let cure = match cure {
                    Cure::MendPolicy => "add approvers or lower the minimum",
                    Cure::CreateAnew => {
                        "withdraw the task, mend the policy or the team, and create a new task"
                    }
                };
                format!("{found}; {cure}")
            }
            Self::OwnApproversNotNeeded { policy } => {
                format!("policy {policy} can be met without its own approvers")
            }
            Self::NoPolicyMatched => {
                "no policy matched, so nobody has to approve; check the project, the environment \
                 and their tags, or turn on require_policy"
                    .to_owned()
            }
            Self::SharingWithoutExecutionTtl { policy } => format!(
                "policy {policy} lets tasks share a change request for ever, so a task may join \
                 one that was approved long ago; set execution_ttl"
            ),
            Self::ClaimedTeamNotRechecked { policy, team } => format!(
                "policy {policy} has approvals checked again, but who is in the claimed team \
                 {team} is not known here, so approvals through it stay; keep its members here"
            ),
            Self::WindowPast { policy, index } => format!(
                "windows[{index}] of policy {policy} lies in the past and never opens again; take \
                 it out or move it"
            ),
            Self::WindowsNeverMeet { policy, other } => format!(
                "the windows of policies {policy} and {other} are never open together within ten \
                 years, so a task that both match is refused; move the windows of one of them"
            ),
            Self::WindowsInsideFreezes { policy, freezes } => {
                let freezes: Vec<&str> = freezes.iter().map(FreezeId::as_str).collect();
                format!(
                    "every window of policy {policy} within the next year lies inside recurring \
                     freezes ({}) that may hold the same tasks; move the windows or narrow the \
                     freezes",
                    freezes.join(", ")
                )
            }
            Self::ConfusableNames {
                first,
                second,
                policy,
            } => confusable_sentence(first, second, policy.as_ref()),
        }
    }
}

fn confusable_sentence(first: &Seen, second: &Seen, policy: Option<&PolicyId>) -> String {
    let (one, other) = (first.told_from(second), second.told_from(first));
    match policy {
        Some(policy) => format!(
            "two approvers of policy {policy} look alike and are two persons, of whom each counts: \
             {one} and {other}; compare issuer and subject, and take out whoever is not meant"
        ),
        None => format!(
            "two persons look alike, and neither counts as the other nor is barred with the other: \
             {one} and {other}; compare issuer and subject before you decide; where the wrong one \
             is named, withdraw the task, mend that, and create a new task"
        ),
    }
}

/// The warnings about those whom a change request names and who look alike. Members of teams may
/// change at any time and are not looked at before they have decided.
pub fn confusable_warnings(case: &Case) -> Vec<Warning> {
    confusable(confusable::of_case(case), None).collect()
}

fn confusable(pairs: Vec<Pair>, policy: Option<&PolicyId>) -> impl Iterator<Item = Warning> {
    let pairs = pairs.into_iter();
    pairs.map(move |(first, second)| Warning::ConfusableNames {
        first,
        second,
        policy: policy.cloned(),
    })
}

/// The warnings of a change request, judged by the teams as they are now. The creators of all its
/// tasks are barred where any policy blocks them (S4).
pub fn change_request_warnings(
    resultant: &ResultantPolicy,
    creators: &BTreeSet<&Person>,
    directory: &Directory,
) -> Vec<Warning> {
    if resultant.policies.is_empty() {
        return vec![Warning::NoPolicyMatched];
    }
    let barred = |person: &Person| resultant.block_creator && creators.contains(person);
    let all = Reach::of(resultant, directory, |_| true, |it| !barred(it));
    let mut found = unreachable(resultant, &all);
    let asking = resultant
        .policies
        .iter()
        .filter(|it| it.minimum_approvals > 0);
    for policy in asking.filter(|policy| !policy.is_own()) {
        let own = |approver: &&ResultantApprover| approver.policies.contains(&policy.id);
        let theirs = resultant.approvers.iter().filter(own);
        let theirs = Eligible::of(theirs.map(|a| &a.approver), directory).people;
        let apart = |person: &Person| !barred(person) && !theirs.contains(person);
        let others = Reach::of(resultant, directory, |it| !own(&it), apart);
        if others.suffices(resultant) {
            found.push(Warning::OwnApproversNotNeeded {
                policy: policy.id.clone(),
            });
        }
    }
    found
}

/// What nobody can reach, although all approve who could (G6).
fn unreachable(resultant: &ResultantPolicy, all: &Reach) -> Vec<Warning> {
    let needed = resultant.approvals_needed();
    if !all.or_anybody && all.people < needed as usize {
        return vec![Warning::MinimumUnreachable {
            minimum: needed,
            eligible: all.people,
            policy: None,
            cure: Cure::CreateAnew,
        }];
    }
    let groups = resultant.own_policies().zip(all.places.empty());
    groups
        .filter(|(_, empty)| *empty > 0)
        .map(|(policy, empty)| Warning::MinimumUnreachable {
            minimum: policy.minimum_approvals,
            eligible: (policy.minimum_approvals as usize).saturating_sub(empty),
            policy: Some(policy.id.clone()),
            cure: Cure::CreateAnew,
        })
        .collect()
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
                cure: Cure::MendPolicy,
            });
        }
    }
    found.extend(term_warnings(policy, directory));
    let alike = confusable::among(policy.approvers.users.iter());
    found.extend(confusable(alike, Some(&policy.id)));
    let mut not_needed = BTreeSet::new();
    let others = directory.policies().map(|other| &other.draft);
    for other in others.filter(|other| binds_together(policy, other)) {
        let theirs = Eligible::of(approvers(other, directory).iter(), directory);
        let minimum = policy.minimum_approvals.max(other.minimum_approvals);
        if policy.minimum_approvals > 0 && !needs_own(policy) && theirs.reach_without(&own, minimum)
        {
            not_needed.insert(&policy.id);
        }
        if other.minimum_approvals > 0 && !needs_own(other) && own.reach_without(&theirs, minimum) {
            not_needed.insert(&other.id);
        }
    }
    let not_needed = not_needed.into_iter().cloned();
    found.extend(not_needed.map(|policy| Warning::OwnApproversNotNeeded { policy }));
    found
}

/// What the terms of a policy are warned about.
fn term_warnings(policy: &PolicyDraft, directory: &Directory) -> Vec<Warning> {
    let mut found = Vec::new();
    if policy.terms.shares_without_end() {
        found.push(Warning::SharingWithoutExecutionTtl {
            policy: policy.id.clone(),
        });
    }
    if policy.terms.recheck_approvers {
        let claimed = |id: &&TeamId| directory.team(id).is_some_and(|team| team.draft.claimed);
        let teams = policy.approvers.teams.iter().filter(claimed);
        found.extend(teams.map(|team| Warning::ClaimedTeamNotRechecked {
            policy: policy.id.clone(),
            team: team.clone(),
        }));
    }
    found
}

fn needs_own(policy: &PolicyDraft) -> bool {
    policy.terms.quorum == Quorum::Own
}

/// How far approvals of some people would reach, each filling one place (G3).
struct Reach {
    /// The places of the policies that need their own approvers, as these people fill them.
    places: Places,
    /// How many people those are, as far as they are known.
    people: usize,
    /// A team is claimed by credentials, so anybody may be in it (D10).
    or_anybody: bool,
}

impl Reach {
    /// Of these approvers, these people.
    fn of(
        resultant: &ResultantPolicy,
        directory: &Directory,
        approvers: impl Fn(&ResultantApprover) -> bool,
        people: impl Fn(&Person) -> bool,
    ) -> Self {
        let mut known: BTreeMap<Person, Groups> = BTreeMap::new();
        let mut claimed = Vec::new();
        for named in resultant.approvers.iter().filter(|it| approvers(it)) {
            let groups = resultant.groups_of(named);
            let found = Eligible::of(std::iter::once(&named.approver), directory);
            claimed.extend(found.or_anybody.then_some(groups));
            for person in found.people.into_iter().filter(|it| people(it)) {
                *known.entry(person).or_default() |= groups;
            }
        }
        let mut places = resultant.places();
        places.place_all(known.values().copied());
        for groups in &claimed {
            while places.place(*groups) {}
        }
        Self {
            places,
            people: known.len(),
            or_anybody: !claimed.is_empty(),
        }
    }

    fn suffices(&self, resultant: &ResultantPolicy) -> bool {
        let enough = self.or_anybody || self.people >= resultant.minimum_approvals as usize;
        enough && self.places.all_empty() == 0
    }
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
    fn reach_without(&self, others: &Self, minimum: u32) -> bool {
        let apart = self.people.difference(&others.people);
        self.or_anybody || apart.count() >= minimum as usize
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
    let on = !one.disabled && !other.disabled;
    one.id != other.id && on && scopes_may_overlap(&one.scopes, &other.scopes)
}

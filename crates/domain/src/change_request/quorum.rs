//! How many approvals are missing, from which group, and who could still give them (G1, G3, G4).

use std::collections::{BTreeMap, BTreeSet};

use super::eligibility::own_groups;
use super::{Case, CrState};
use crate::directory::Directory;
use crate::ids::{PolicyId, TeamId};
use crate::person::Person;
use crate::policy::{Approver, Groups, Places};

/// What is missing, and from whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deficit {
    /// How many more distinct people must approve.
    pub missing: u32,
    /// People whose approval would bring that closer.
    pub people: Vec<Person>,
    /// Teams of which some member's would; who is in a claimed team is unknown, so it always could.
    pub teams: Vec<TeamId>,
    /// From whom exactly; the numbers add up.
    pub groups: Vec<GroupDeficit>,
}

/// A part of what is missing that only some people can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDeficit {
    /// The policy whose own approvers are needed; `None`: anyone who may approve.
    pub policy: Option<PolicyId>,
    /// How many of them.
    pub missing: u32,
    /// People who could.
    pub people: Vec<Person>,
    /// Teams of which some member could.
    pub teams: Vec<TeamId>,
}

/// How many approvals are missing from the quorum: to the highest minimum, or to fill the places
/// that only a policy's own approvers can, whichever is more. Whoever fills a place counts towards
/// the minimum too.
pub(super) fn missing(case: &Case) -> u32 {
    missing_beside(case, &counted_places(case))
}

/// The same, where it is known how the approvals that count fill the places.
fn missing_beside(case: &Case, counted: &Places) -> u32 {
    let minimum = case.resultant.minimum_approvals;
    let to_minimum = minimum.saturating_sub(case.counted());
    to_minimum.max(count(counted.all_empty()))
}

/// The places as the approvals that count fill them. In the order of the policies, so that neither
/// the order of the decisions nor the names of the people make a difference.
fn counted_places(case: &Case) -> Places {
    let mut places = case.resultant.places();
    if places.all_empty() > 0 {
        places.place_all(counted_groups(case).into_iter());
    }
    places
}

/// What each approval that counts may fill, in the order of the policies.
fn counted_groups(case: &Case) -> Vec<Groups> {
    let counted = case.change_request.approvals();
    let mut counted: Vec<_> = counted
        .map(|decision| own_groups(&case.resultant, &decision.eligibility, &decision.person))
        .collect();
    counted.sort_unstable();
    counted
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
    let counted = counted_places(case);
    let empty = count(counted.all_empty());
    let total = missing_beside(case, &counted);
    let anyone = total - empty;
    let mut found = Deficit {
        missing: total,
        ..Deficit::default()
    };
    let left = Left::of(case, directory);
    let placed: BTreeSet<Groups> = left
        .all_groups()
        .into_iter()
        .filter(|groups| counted.could_place(*groups))
        .collect();
    let helps = |groups: Groups| anyone > 0 || placed.contains(&groups);
    (found.people, found.teams) = left.who(helps);
    let completable = completable(case, &left);
    for (index, (policy, empty)) in case.resultant.own_policies().zip(completable).enumerate() {
        let may_fill = |groups: Groups| groups & (1 << index) != 0;
        found.add(Some(&policy.id), empty, &left, may_fill);
    }
    found.add(None, anyone, &left, |_| true);
    found
}

impl Deficit {
    fn add(
        &mut self,
        policy: Option<&PolicyId>,
        missing: u32,
        left: &Left<'_>,
        fits: impl Fn(Groups) -> bool,
    ) {
        if missing > 0 {
            let (people, teams) = left.who(fits);
            self.groups.push(GroupDeficit {
                policy: policy.cloned(),
                missing,
                people,
                teams,
            });
        }
    }
}

/// How many places of each group are not filled by an approval that counts, in an assignment that
/// the people who are left complete as far as they can. Whoever approved is placed first and keeps
/// a place, so as many as can be are placed of both.
fn completable(case: &Case, left: &Left<'_>) -> Vec<u32> {
    let mut places = case.resultant.places();
    let counted = counted_groups(case);
    let mut known: Vec<Groups> = left.known.values().copied().collect();
    known.sort_unstable();
    places.place_all(counted.into_iter());
    let approved = places.seated();
    places.place_all(known.into_iter());
    // A team of unknown members can fill every place that is open to it.
    for team in left.teams.iter().filter(|team| team.claimed) {
        while places.place(team.groups) {}
    }
    let filled = places.filled_by_first(approved);
    let sizes = case
        .resultant
        .own_policies()
        .map(|policy| policy.minimum_approvals);
    sizes
        .zip(filled)
        .map(|(size, filled)| size.saturating_sub(count(filled)))
        .collect()
}

/// Who could still approve, and which groups each of them may fill a place of: all that name the
/// person or a team they are in, through whichever of them they are found.
struct Left<'a> {
    /// Every person who is known, once, with all their groups.
    known: BTreeMap<&'a Person, Groups>,
    /// People who are named.
    named: Vec<&'a Person>,
    /// Teams that live and have somebody who could.
    teams: Vec<TeamLeft<'a>>,
}

struct TeamLeft<'a> {
    id: &'a TeamId,
    /// The groups of the policies that name it; more is not known of those who claim it.
    groups: Groups,
    claimed: bool,
    /// Those of its members who could.
    members: Vec<&'a Person>,
}

impl<'a> Left<'a> {
    fn of(case: &'a Case, directory: &'a Directory) -> Self {
        let spent = spent(case);
        let could_approve = |person: &Person| !spent.contains(person);
        let mut left = Self {
            known: BTreeMap::new(),
            named: Vec::new(),
            teams: Vec::new(),
        };
        for approver in &case.resultant.approvers {
            let groups = case.resultant.groups_of(approver);
            match &approver.approver {
                Approver::User(person) if could_approve(person) => {
                    *left.known.entry(person).or_default() |= groups;
                    left.named.push(person);
                }
                Approver::User(_) => {}
                Approver::Team(team_ref) => {
                    let Some(team) = directory.living_team(team_ref) else {
                        continue;
                    };
                    let members = team.draft.members.iter();
                    let members: Vec<_> = members.filter(|p| could_approve(p)).collect();
                    for &person in &members {
                        *left.known.entry(person).or_default() |= groups;
                    }
                    let claimed = team.draft.claimed;
                    if claimed || !members.is_empty() {
                        left.teams.push(TeamLeft {
                            id: &team_ref.id,
                            groups,
                            claimed,
                            members,
                        });
                    }
                }
            }
        }
        left
    }

    /// What anybody who is left may fill, each once.
    fn all_groups(&self) -> BTreeSet<Groups> {
        let teams = self.teams.iter().map(|team| team.groups);
        self.known.values().copied().chain(teams).collect()
    }

    fn who(&self, fits: impl Fn(Groups) -> bool) -> (Vec<Person>, Vec<TeamId>) {
        let could = |person: &&Person| self.known.get(*person).is_some_and(|it| fits(*it));
        let people = self.named.iter().copied().filter(could);
        let teams = self
            .teams
            .iter()
            .filter(|team| team.members.iter().any(could) || (team.claimed && fits(team.groups)));
        (
            people.cloned().collect(),
            teams.map(|team| team.id.clone()).collect(),
        )
    }
}

/// Those whose approval would not be one more: who has approved, and who may not.
fn spent(case: &Case) -> BTreeSet<&Person> {
    let approvals = case.change_request.approvals();
    let mut spent: BTreeSet<&Person> = approvals.map(|decision| &decision.person).collect();
    if case.resultant.block_creator {
        spent.extend(case.creators());
    }
    spent
}

fn count(places: usize) -> u32 {
    u32::try_from(places).unwrap_or(u32::MAX)
}

//! D1, D2, G1, G2, G3, G4, G6, I-15 against trying: up to four policies with teams, and all sets
//! of four people.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use countersign_domain::change_request::deficit;
use countersign_domain::person::Person;
use countersign_domain::policy::{Warning, change_request_warnings};

use crate::harness::Gate;
use crate::harness::facts::reply_name;
use crate::harness::people::person;

const PEOPLE: [&str; 4] = ["ann", "bob", "cat", "dan"];

/// A policy: which people it names, which it has in its team, its minimum, its creator block, and
/// whether it needs its own approvers.
type Asked = (u8, u8, usize, bool, bool);

/// Everything that a group of people is judged by; a set of people is a mask.
struct World {
    policies: Vec<Asked>,
    /// `ann` to `dan`, or nobody of them.
    creator: usize,
}

impl World {
    fn eligible(&self) -> u8 {
        self.policies
            .iter()
            .fold(0, |all, (users, team, ..)| all | users | team)
    }

    fn minimum(&self) -> usize {
        self.policies.iter().map(|policy| policy.2).max().unwrap()
    }

    fn barred(&self) -> u8 {
        let block = self.policies.iter().any(|policy| policy.3);
        if block && self.creator < PEOPLE.len() {
            1 << self.creator
        } else {
            0
        }
    }

    /// Who of a set of people counts.
    fn counting(&self, set: u8) -> u8 {
        set & self.eligible() & !self.barred()
    }

    fn suffices(&self, set: u8) -> bool {
        self.missing(set) == 0
    }

    /// How many are missing if these have approved: from the highest minimum, or from the places
    /// that only a policy's own approvers fill.
    fn missing(&self, set: u8) -> usize {
        let counting = self.counting(set);
        let to_minimum = self
            .minimum()
            .saturating_sub(counting.count_ones() as usize);
        to_minimum.max(self.missing_places(counting))
    }

    fn missing_places(&self, people: u8) -> usize {
        let own = self.policies.iter().filter(|policy| policy.4);
        let places: Vec<u8> = own
            .flat_map(|policy| vec![policy.0 | policy.1; policy.2])
            .collect();
        places.len() - filled(&places, people)
    }

    /// A gate with these policies and one task.
    fn gate(&self) -> Gate {
        let mut gate = Gate::new();
        for (number, (users, team, minimum, block, own)) in self.policies.iter().enumerate() {
            let (users, team) = (names(*users), names(*team));
            let block = if *block { "yes" } else { "no" };
            let quorum = if *own { "own" } else { "pooled" };
            gate.play(&format!("0 adm team team{number} members={team}"));
            gate.play(&format!(
                "0 adm policy p{number} users={users} teams=team{number} \
                 min={minimum} block={block} quorum={quorum}"
            ));
        }
        let creator = PEOPLE.get(self.creator).unwrap_or(&"carl");
        gate.play(&format!("1 orc create t1 creator={creator} -> PENDING"));
        gate
    }
}

fn policy() -> impl Strategy<Value = Asked> {
    (
        0u8..16,
        prop_oneof![Just(0u8), 0u8..16],
        1usize..4,
        prop::bool::weighted(0.3),
        any::<bool>(),
    )
}

fn world() -> impl Strategy<Value = World> {
    (vec(policy(), 1..5), 0usize..6).prop_map(|(policies, creator)| World { policies, creator })
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "policies {:?}, creator {}", self.policies, self.creator)
    }
}

proptest! {
    #![proptest_config(super::cases(600))]

    #[test]
    fn d1_d2_g3_the_quorum_is_one_of_distinct_eligible_people(
        world in world(),
        order in Just(PEOPLE.to_vec()).prop_shuffle(),
    ) {
        let mut gate = world.gate();
        let mut asked = 0u8;
        for (step, name) in order.iter().enumerate() {
            let bit = 1 << PEOPLE.iter().position(|other| other == name).unwrap();
            let (reply, _) = gate.say(&format!("{} {name} approve t1", step + 2));
            let expected = match () {
                () if world.eligible() & bit == 0 => "NotAnApprover",
                () if world.barred() & bit != 0 => "CreatorBlocked",
                () => "Done",
            };
            prop_assert_eq!(reply_name(&reply), expected);
            asked |= bit;
            judge(&world, &gate, asked)?;
        }
    }

    #[test]
    fn g2_g6_the_warnings_are_true_of_all_sets_of_people(world in world()) {
        let gate = world.gate();
        let case = gate.case("t1").unwrap();
        let found = change_request_warnings(&case.resultant, &case.creators(), &gate.directory);
        let unreachable = found.iter().any(|w| matches!(w, Warning::MinimumUnreachable { .. }));
        prop_assert_eq!(unreachable, !(0u8..16).any(|set| world.suffices(set)));
        for (number, (users, team, ..)) in world.policies.iter().enumerate() {
            let own = world.policies[number].4;
            let without = |set: u8| !own && set & (users | team) == 0 && world.suffices(set);
            let id = format!("p{number}");
            let warned = found.iter().any(|warning| match warning {
                Warning::OwnApproversNotNeeded { policy } => policy.as_str() == id,
                Warning::MinimumUnreachable { .. }
                | Warning::NoPolicyMatched
                | Warning::SharingWithoutExecutionTtl { .. }
                | Warning::ClaimedTeamNotRechecked { .. }
                | Warning::WindowPast { .. }
                | Warning::WindowsNeverMeet { .. }
                | Warning::WindowsInsideFreezes { .. }
                | Warning::ConfusableNames { .. } => false,
            });
            prop_assert_eq!(warned, (0u8..16).any(without), "{}", id);
        }
    }

    #[test]
    fn i15_adding_a_policy_never_loosens_an_own_part(world in world(), more in policy()) {
        let own: Vec<Asked> = world.policies.iter().copied().filter(|policy| policy.4).collect();
        let before = World { policies: own, creator: world.creator };
        let mut after = World { policies: before.policies.clone(), creator: world.creator };
        after.policies.push(more);
        let gate = after.gate();
        // With too few of their own approvers, whoever else approves.
        for set in [0u8, 1, 2, 4, 8, 3, 5, 6, 9, 10, 12] {
            let mut gate = gate.clone();
            for name in members(set) {
                gate.say(&format!("2 {name} approve t1"));
            }
            let approved = gate.case("t1").unwrap().change_request.state.name() == "APPROVED";
            let left = set & !after.barred();
            let own = before.policies.is_empty() || before.missing_places(left) == 0;
            prop_assert!(own || !approved, "{:?} and {:?} by {:04b}", before, more, set);
        }
    }
}

/// The most places that people can fill, one each, by trying.
fn filled(places: &[u8], people: u8) -> usize {
    let Some((place, rest)) = places.split_first() else {
        return 0;
    };
    let bits = (0..4)
        .map(|bit| 1 << bit)
        .filter(|bit| place & people & bit != 0);
    let best = bits.map(|bit| 1 + filled(rest, people & !bit)).max();
    best.unwrap_or(0).max(filled(rest, people))
}

fn judge(world: &World, gate: &Gate, asked: u8) -> Result<(), TestCaseError> {
    let case = gate.case("t1").unwrap();
    let approved = case.change_request.state.name() == "APPROVED";
    prop_assert_eq!(approved, world.suffices(asked));
    prop_assert_eq!(case.counted(), world.counting(asked).count_ones());
    let found = deficit(case, &gate.directory);
    let missing = world.missing(asked);
    prop_assert_eq!(found.missing as usize, missing);
    let numbers: u32 = found.groups.iter().map(|group| group.missing).sum();
    prop_assert_eq!(numbers, found.missing);
    if approved {
        prop_assert!(found.people.is_empty() && found.teams.is_empty());
        return Ok(());
    }
    let open = world.counting(!asked);
    let helps = (0..4).map(|bit| 1u8 << bit);
    let helps = helps.filter(|bit| open & bit != 0 && world.missing(asked | bit) < missing);
    let helpers: u8 = helps.fold(0, |all, bit| all | bit);
    let named = world
        .policies
        .iter()
        .fold(0, |all, (users, ..)| all | users);
    let people: BTreeSet<Person> = found.people.iter().cloned().collect();
    prop_assert_eq!(people, set(named & helpers));
    let teams: BTreeSet<String> = found.teams.iter().map(ToString::to_string).collect();
    let policies = world.policies.iter().enumerate();
    let expected: BTreeSet<String> = policies
        .filter(|(_, (_, team, ..))| team & helpers != 0)
        .map(|(number, _)| format!("team{number}"))
        .collect();
    prop_assert_eq!(teams, expected);
    Ok(())
}

fn members(mask: u8) -> impl Iterator<Item = &'static str> {
    let bits = PEOPLE.into_iter().enumerate();
    bits.filter(move |(bit, _)| mask & (1 << bit) != 0)
        .map(|(_, name)| name)
}

fn names(mask: u8) -> String {
    members(mask).collect::<Vec<_>>().join(",")
}

fn set(mask: u8) -> BTreeSet<Person> {
    members(mask).map(person).collect()
}

//! D1, D2, G1, G2, G4, G6 against counting: up to four policies, all sets of four people.

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

/// A policy: which people it names, which it has in its team, its minimum, its creator block.
type Asked = (u8, u8, usize, bool);

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
        self.counting(set).count_ones() as usize >= self.minimum()
    }

    /// A gate with these policies and one task.
    fn gate(&self) -> Gate {
        let mut gate = Gate::new();
        for (number, (users, team, minimum, block)) in self.policies.iter().enumerate() {
            let (users, team) = (names(*users), names(*team));
            let block = if *block { "yes" } else { "no" };
            gate.play(&format!("0 adm team team{number} members={team}"));
            gate.play(&format!(
                "0 adm policy p{number} users={users} teams=team{number} \
                 min={minimum} block={block}"
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
    fn d1_d2_the_quorum_is_a_count_of_distinct_eligible_people(
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
            let without = |set: u8| set & (users | team) == 0 && world.suffices(set);
            let id = format!("p{number}");
            let warned = found.iter().any(|warning| match warning {
                Warning::OwnApproversNotNeeded { policy } => policy.as_str() == id,
                Warning::MinimumUnreachable { .. }
                | Warning::NoPolicyMatched
                | Warning::SharingWithoutExecutionTtl { .. }
                | Warning::ClaimedTeamNotRechecked { .. } => false,
            });
            prop_assert_eq!(warned, (0u8..16).any(without), "{}", id);
        }
    }
}

fn judge(world: &World, gate: &Gate, asked: u8) -> Result<(), TestCaseError> {
    let case = gate.case("t1").unwrap();
    let approved = case.change_request.state.name() == "APPROVED";
    prop_assert_eq!(approved, world.suffices(asked));
    prop_assert_eq!(case.counted(), world.counting(asked).count_ones());
    let found = deficit(case, &gate.directory);
    let missing = world
        .minimum()
        .saturating_sub(world.counting(asked).count_ones() as usize);
    prop_assert_eq!(found.missing as usize, missing);
    if approved {
        prop_assert!(found.people.is_empty() && found.teams.is_empty());
        return Ok(());
    }
    let open = world.counting(!asked);
    let named = world
        .policies
        .iter()
        .fold(0, |all, (users, ..)| all | users);
    let people: BTreeSet<Person> = found.people.iter().cloned().collect();
    prop_assert_eq!(people, set(named & open));
    let teams: BTreeSet<String> = found.teams.iter().map(ToString::to_string).collect();
    let policies = world.policies.iter().enumerate();
    let expected: BTreeSet<String> = policies
        .filter(|(_, (_, team, ..))| team & open != 0)
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

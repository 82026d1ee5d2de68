//! G3, G4 against brute force: every case of up to four policies and four people.
//!
//! A case is a set of policies (which people each one names, its minimum, whether it needs its own
//! approvers) and a set of people who have approved. Any number of pooled policies asks for what
//! one does that names all their people and has their highest minimum (G1, shown in `merging`), so
//! there is at most one of them. Of cases that differ only by the names of people, or by the order
//! of the policies, one is looked at. Beside a pooled policy at most four places are looked at:
//! more are too many for four people, whatever else is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_domain::change_request::{Case, Decision, Deficit, Eligibility, Verdict, deficit};
use countersign_domain::directory::Directory;
use countersign_domain::person::Person;
use countersign_domain::policy::{
    Approver, MatchedPolicy, Quorum, ResultantApprover, ResultantPolicy, Terms,
};

use crate::harness::Gate;
use crate::harness::people::{caller, person, policy_id};

const PEOPLE: [&str; 4] = ["ann", "bob", "cat", "dan"];
const EVERYONE: u8 = 0b1111;
const PLACES_BESIDE_POOLED: u32 = 4;

/// Which people a policy names, its minimum, whether it needs its own approvers.
type Asked = (u8, u32, bool);

#[test]
fn g3_g4_every_case_of_own_policies_alone_is_as_brute_force_has_it() {
    every_case(0, 0..=4, 30_000);
}

#[test]
fn g3_g4_every_case_with_a_pooled_and_few_own_policies_is_as_brute_force_has_it() {
    every_case(1, 0..=2, 30_000);
}

#[test]
fn g3_g4_every_case_with_a_pooled_and_three_own_policies_is_as_brute_force_has_it() {
    every_case(1, 3..=3, 60_000);
}

/// Looks at every case with so many pooled policies and own ones; prints what was seen.
fn every_case(pooled: usize, own: std::ops::RangeInclusive<usize>, at_least: usize) {
    let gate = Gate::played("0 adm policy p users=ann\n 1 orc create t1");
    let pending = gate.case("t1").unwrap();
    let mut seen = Seen::default();
    for own in own {
        every_set(pooled, own, &mut |policies| {
            if is_least(policies) {
                judge_all(policies, pending, &gate.directory, &mut seen);
            }
        });
    }
    println!("{pooled} pooled: {seen:?}");
    assert!(seen.cases >= at_least, "{seen:?}");
    assert!(seen.reached > 500 && seen.completable > 1_000, "{seen:?}");
    assert!(seen.never > 1_000, "{seen:?}");
}

/// What was looked at.
#[derive(Debug, Default)]
struct Seen {
    sets: usize,
    cases: usize,
    reached: usize,
    /// Not reached, but those who are left can.
    completable: usize,
    /// Not reached, and never to be.
    never: usize,
}

/// A set of policies, as brute force judges it.
struct World<'a> {
    policies: &'a [Asked],
    places: u32,
    minimum: u32,
    eligible: u8,
    /// For each set of people: how many of each group's places they can fill, in every way that
    /// fills the most; four bits for each group.
    fillings: Vec<BTreeSet<u32>>,
}

impl<'a> World<'a> {
    fn new(policies: &'a [Asked]) -> Self {
        let own = policies.iter().filter(|it| it.2);
        Self {
            policies,
            places: own.map(|it| it.1).sum(),
            minimum: policies.iter().map(|it| it.1).max().unwrap_or(0),
            eligible: policies.iter().fold(0, |all, it| all | it.0),
            fillings: fillings(policies),
        }
    }

    /// The most places that these people can fill.
    fn most(&self, people: u8) -> u32 {
        sum(*self.fillings[usize::from(people)].first().unwrap())
    }

    fn counting(&self, people: u8) -> u32 {
        (people & self.eligible).count_ones()
    }

    fn suffices(&self, people: u8) -> bool {
        self.counting(people) >= self.minimum && self.most(people) == self.places
    }

    /// How many more people it takes at the least, if there were enough of every kind.
    fn missing(&self, people: u8) -> u32 {
        let to_minimum = self.minimum.saturating_sub(self.counting(people));
        to_minimum.max(self.places - self.most(people))
    }

    /// How many more of those who are left it takes at the least, if they can do it at all.
    fn truly_missing(&self, people: u8) -> Option<u32> {
        let left = self.eligible & !people;
        let more = (0..=EVERYONE).filter(|set| set & !left == 0);
        let enough = more.filter(|set| self.suffices(people | set));
        enough.map(u8::count_ones).min()
    }
}

/// Seats people one by one in every group that names them and has room, or nowhere.
fn fillings(policies: &[Asked]) -> Vec<BTreeSet<u32>> {
    let mut all: Vec<BTreeSet<u32>> = vec![[0].into()];
    for people in 1..=EVERYONE {
        let bit = people & people.wrapping_neg();
        let without = &all[usize::from(people & !bit)];
        let mut ways = without.clone();
        for (group, asked) in policies.iter().enumerate() {
            if asked.2 && asked.0 & bit != 0 {
                let room = |way: &&u32| of_group(**way, group) < asked.1;
                ways.extend(
                    without
                        .iter()
                        .filter(room)
                        .map(|way| way + (1 << (4 * group))),
                );
            }
        }
        all.push(ways);
    }
    for ways in &mut all {
        let most = ways.iter().map(|&way| sum(way)).max().unwrap();
        ways.retain(|&way| sum(way) == most);
    }
    all
}

fn of_group(way: u32, group: usize) -> u32 {
    (way >> (4 * group)) & 0xf
}

fn sum(way: u32) -> u32 {
    (0..4).map(|group| of_group(way, group)).sum()
}

/// Looks at every set of people who may have approved under these policies.
fn judge_all(policies: &[Asked], pending: &Case, directory: &Directory, seen: &mut Seen) {
    let world = World::new(policies);
    let mut case = pending.clone();
    case.resultant = Arc::new(resultant(policies));
    seen.sets += 1;
    for approved in (0..=EVERYONE).filter(|set| set & !world.eligible == 0) {
        let people = (0..4).filter(|place| approved & (1 << place) != 0);
        case.change_request.decisions = people.map(|place| approval(place, pending)).collect();
        let found = deficit(&case, directory);
        case.change_request.decisions.reverse();
        assert_eq!(
            deficit(&case, directory),
            found,
            "{policies:?} {approved:04b}"
        );
        let text = format!("{policies:?} with {approved:04b}: {found:?}");
        assert_eq!(case.has_quorum(), world.suffices(approved), "G3 {text}");
        judge(&world, approved, &found, &text, seen);
    }
}

fn judge(world: &World<'_>, approved: u8, found: &Deficit, text: &str, seen: &mut Seen) {
    let missing = world.missing(approved);
    assert_eq!(found.missing, missing, "G4 {text}");
    let truly = world.truly_missing(approved);
    assert!(truly.is_none_or(|truly| truly == missing), "G4 {text}");
    seen.cases += 1;
    match truly {
        Some(0) => seen.reached += 1,
        Some(_) => seen.completable += 1,
        None => seen.never += 1,
    }
    let numbers: u32 = found.groups.iter().map(|group| group.missing).sum();
    assert_eq!(numbers, found.missing, "G4: the numbers add up, {text}");
    let left = world.eligible & !approved;
    let helps = |bit: u8| left & bit != 0 && world.missing(approved | bit) < missing;
    assert_eq!(found.people, named(helps), "G4: who could help, {text}");
    groups(world, found, approved, text);
}

/// The groups are what some way to seat those who approved leaves empty, and those who are left
/// complete that one as far as they can complete any.
fn groups(world: &World<'_>, found: &Deficit, approved: u8, text: &str) {
    let left = world.eligible & !approved;
    let mut empty = vec![0; world.policies.len()];
    for group in &found.groups {
        let own = match &group.policy {
            None => EVERYONE,
            Some(policy) => {
                let index: usize = policy.as_str()[1..].parse().unwrap();
                empty[index] = group.missing;
                world.policies[index].0
            }
        };
        assert_eq!(group.people, named(|bit| left & own & bit != 0), "{text}");
    }
    let mut filled = 0;
    let mut rest = world.policies.to_vec();
    for (index, asked) in rest.iter_mut().enumerate().filter(|(_, it)| it.2) {
        filled += (asked.1 - empty[index]) << (4 * index);
        asked.1 = empty[index];
    }
    assert!(
        world.fillings[usize::from(approved)].contains(&filled),
        "G4 {text}"
    );
    let at_last = World::new(&rest).most(left);
    let best = world.most(world.eligible) - world.most(approved);
    assert_eq!(at_last, best, "G4: completed as far as can be, {text}");
}

/// Some people, in the order of their names.
fn named(has: impl Fn(u8) -> bool) -> Vec<Person> {
    let people = PEOPLE.into_iter().enumerate();
    let people = people.filter(|(bit, _)| has(1 << bit));
    people.map(|(_, name)| person(name)).collect()
}

fn approval(place: usize, case: &Case) -> Decision {
    Decision {
        person: person(PEOPLE[place]),
        verdict: Verdict::Approved,
        comment: String::new(),
        at: case.change_request.stamp.instant,
        eligibility: Eligibility {
            directly: true,
            ..Eligibility::default()
        },
        artifact_digest: None,
        credential: caller("ann").credential,
    }
}

/// What the policies merge into.
fn resultant(policies: &[Asked]) -> ResultantPolicy {
    let id = |index: usize| policy_id(&format!("p{index}"));
    let mut approvers: BTreeMap<Approver, BTreeSet<_>> = BTreeMap::new();
    for (index, asked) in policies.iter().enumerate() {
        for user in named(|bit| asked.0 & bit != 0) {
            let brought = approvers.entry(Approver::User(user)).or_default();
            brought.insert(id(index));
        }
    }
    let matched = |(index, asked): (usize, &Asked)| MatchedPolicy {
        id: id(index),
        revision: 1,
        sequence: 2,
        name: String::new(),
        minimum_approvals: asked.1,
        block_creator: false,
        terms: Terms {
            quorum: if asked.2 { Quorum::Own } else { Quorum::Pooled },
            ..Terms::default()
        },
    };
    let mut resultant = ResultantPolicy::default();
    resultant.minimum_approvals = policies.iter().map(|it| it.1).max().unwrap();
    resultant.approvers = approvers
        .into_iter()
        .map(|(approver, policies)| ResultantApprover { approver, policies })
        .collect();
    resultant.policies = policies.iter().enumerate().map(matched).collect();
    resultant
}

/// Every set of so many policies of each kind, the pooled one last.
fn every_set(pooled: usize, own: usize, each: &mut impl FnMut(&[Asked])) {
    let people = || 1..=EVERYONE;
    let owns: Vec<Asked> = people()
        .flat_map(|people| (1..=2).map(move |minimum| (people, minimum, true)))
        .collect();
    let pools: Vec<Asked> = people()
        .flat_map(|people| (1..=4).map(move |minimum| (people, minimum, false)))
        .collect();
    choose(&owns, own, &mut Vec::new(), &mut |chosen| {
        let places: u32 = chosen.iter().map(|it| it.1).sum();
        if pooled > 0 && places > PLACES_BESIDE_POOLED {
            return;
        }
        if pooled == 0 && !chosen.is_empty() {
            each(chosen);
        }
        for pool in pools.iter().take(pooled * pools.len()) {
            each(&[chosen, &[*pool]].concat());
        }
    });
}

/// Every choice of so many, of which some may be the same.
fn choose(all: &[Asked], count: usize, chosen: &mut Vec<Asked>, each: &mut impl FnMut(&[Asked])) {
    if count == 0 {
        each(chosen);
        return;
    }
    for (index, asked) in all.iter().enumerate() {
        chosen.push(*asked);
        choose(&all[index..], count - 1, chosen, each);
        chosen.pop();
    }
}

/// Whether no renaming of the people gives a lesser set of policies.
fn is_least(policies: &[Asked]) -> bool {
    let (own, pooled): (Vec<Asked>, Vec<Asked>) = policies.iter().partition(|it| it.2);
    renamings().iter().all(|renaming| {
        let rename = |asked: &Asked| {
            let bits = (0..4).filter(|bit| asked.0 & (1 << bit) != 0);
            let people = bits.fold(0, |all, bit| all | 1u8 << renaming[bit]);
            (people, asked.1, asked.2)
        };
        let mut others: Vec<Asked> = own.iter().map(rename).collect();
        others.sort_unstable();
        let last = pooled.iter().map(rename);
        others.extend(last);
        others.as_slice() >= policies
    })
}

/// All orders of four people.
fn renamings() -> &'static [[usize; 4]] {
    static ALL: std::sync::OnceLock<Vec<[usize; 4]>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let codes = 0..256usize;
        let orders = codes.map(|code| [code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6]);
        let all: Vec<_> = orders
            .filter(|order| order.iter().collect::<BTreeSet<_>>().len() == 4)
            .collect();
        assert_eq!(all.len(), 24);
        all
    })
}

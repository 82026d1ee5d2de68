//! A start, judged by the log alone (I-03 to I-06): who had approved before it, and through what.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Instant;
use countersign_domain::calendar::{Found, Reading};
use countersign_domain::change_request::{Case, CrEvent, Eligibility};
use countersign_domain::directory::Directory;
use countersign_domain::ids::PolicyId;
use countersign_domain::log::{AggregateKey, Event};
use countersign_domain::person::Person;
use countersign_domain::policy::{Approver, ChangeWindow, MatchedPolicy, Quorum, ResultantPolicy};
use countersign_domain::task::{Task, TaskEvent};

use super::store::{Kept, Store};

/// Judges one start; of one that was granted just now, what approvers are rechecked by, too.
pub(crate) fn started(
    store: &Store,
    case: &Case,
    task: &Task,
    kept: &Kept,
    directory: Option<&Directory>,
) {
    let spec = &task.content.spec;
    let now = kept.stamp.instant;
    assert!(spec.window.start.is_none_or(|start| start <= now), "I-05");
    assert!(spec.window.end.is_none_or(|end| now < end), "I-05");
    in_its_period(store, case, task, kept);
    if let Some(directory) = directory {
        under_no_freeze(task, directory, now);
    }
    let Event::Task(
        _,
        TaskEvent::Started {
            artifact_digest, ..
        },
    ) = kept.body.typed_event().unwrap()
    else {
        panic!("a start is not one");
    };
    assert_eq!(artifact_digest, spec.artifact_digest, "I-06");
    let mut approved = approved_before(store, case, task, kept.stamp.sequence);
    let ttl = case.resultant.execution_ttl();
    if let (Some(ttl), Some(newest)) = (ttl, approved.values().map(|it| it.at).max()) {
        assert!(now.micros() < newest + ttl.micros(), "W7: a start too late");
    }
    if case.resultant.block_creator {
        for creator in creators_before(case, kept.stamp.sequence, store) {
            assert!(!approved.contains_key(&creator), "I-03, S4");
        }
    }
    assert!(suffices(&case.resultant, &approved), "I-03, G3");
    let recheck = case.resultant.policies.iter();
    if recheck.clone().any(|policy| policy.terms.recheck_approvers)
        && let Some(directory) = directory
    {
        for (person, approval) in &mut approved {
            approval.eligibility = eligible_now(&case.resultant, person, approval, directory);
        }
        assert!(suffices(&case.resultant, &approved), "D9");
    }
}

/// I-05, W3, W4: in the period that the task was bound to last, and in a window of each policy that
/// has some.
fn in_its_period(store: &Store, case: &Case, task: &Task, kept: &Kept) {
    let now = kept.stamp.instant;
    let history = &store.history[&AggregateKey::Task(task.id().clone())];
    let mut bound = None;
    for entry in history
        .iter()
        .filter(|it| it.stamp.sequence < kept.stamp.sequence)
    {
        match entry.body.typed_event().unwrap() {
            Event::Task(_, TaskEvent::Created { period, .. }) => bound = period,
            Event::Task(_, TaskEvent::Bound { period }) => bound = Some(period),
            _ => {}
        }
    }
    let mut has_windows = false;
    for policy in &case.resultant.policies {
        let windows = &policy.terms.windows;
        let open = windows.iter().any(|window| match window {
            ChangeWindow::Once(period) => period.start <= now && now < period.end,
            ChangeWindow::Recurring(recurrence) => recurrence
                .first_after(Reading::Window, now)
                .is_some_and(|period| period.start <= now),
        });
        assert!(open || windows.is_empty(), "I-05: outside {windows:?}");
        has_windows |= !windows.is_empty();
    }
    assert_eq!(bound.is_some(), has_windows, "W4");
    assert!(
        bound.is_none_or(|it| it.start <= now && now < it.end),
        "I-05"
    );
}

/// I-05, W6: no freeze that matches holds, unless it was lifted.
fn under_no_freeze(task: &Task, directory: &Directory, now: Instant) {
    for freeze in directory.freezes_after(None) {
        let scopes = &freeze.draft.scopes;
        let matches = scopes.iter().any(|scope| scope.matches(&task.content.spec));
        let lifted = freeze
            .lifted
            .is_some_and(|it| it.from <= now && now < it.until);
        let holds = match freeze.draft.calendar().first_after(now) {
            Found::Period(period) => period.start <= now,
            Found::None => false,
            Found::TooMuchWork => true,
        };
        assert!(!matches || lifted || !holds, "I-05: under {freeze:?}");
    }
}

/// Through what an approver is one now; who is in a claimed team is not known, so they stay in it.
fn eligible_now(
    resultant: &ResultantPolicy,
    person: &Person,
    approval: &Approved,
    directory: &Directory,
) -> Eligibility {
    let mut found = Eligibility::default();
    for named in &resultant.approvers {
        match &named.approver {
            Approver::User(user) => found.directly |= user == person,
            Approver::Team(team) => {
                let living = directory.team(&team.id);
                let same = living.filter(|it| it.created.sequence == team.incarnation);
                let stayed = approval.eligibility.through.contains(&team.id);
                let member = same.is_some_and(|it| {
                    it.draft.members.contains(person) || (it.draft.claimed && stayed)
                });
                found.through.extend(member.then(|| team.id.clone()));
            }
        }
    }
    found
}

/// An approval that counts: since when, and through what.
struct Approved {
    at: i64,
    eligibility: Eligibility,
}

/// Whose approvals counted when something happened.
fn approved_before(
    store: &Store,
    case: &Case,
    task: &Task,
    sequence: u64,
) -> BTreeMap<Person, Approved> {
    let digest = &task.content.spec.artifact_digest;
    let mut approved = BTreeMap::new();
    let history = &store.history[&AggregateKey::ChangeRequest(case.number())];
    for entry in history.iter().filter(|it| it.stamp.sequence < sequence) {
        let Event::ChangeRequest(_, event) = entry.body.typed_event().unwrap() else {
            panic!("a change request's entry is not one");
        };
        match event {
            CrEvent::ApprovalRecorded {
                person,
                eligibility,
                artifact_digest,
                credential,
                ..
            } => {
                let ages = case.resultant.policies.iter();
                for age in ages.filter_map(|policy| policy.terms.max_auth_age) {
                    let proven = credential.auth_time.unwrap().micros();
                    let ago = entry.stamp.instant.micros() - proven;
                    assert!(ago <= age.micros(), "D1: approved long after the login");
                }
                assert!(
                    artifact_digest.is_none() || artifact_digest == *digest,
                    "I-06"
                );
                let at = entry.stamp.instant.micros();
                approved.insert(person, Approved { at, eligibility });
            }
            CrEvent::ApprovalRevoked { person, .. } | CrEvent::ApprovalLapsed { person } => {
                approved.remove(&person);
            }
            CrEvent::Rejected { .. } | CrEvent::Expired { .. } | CrEvent::Withdrawn => {
                panic!("I-04: a start after the end");
            }
            CrEvent::Created { .. }
            | CrEvent::TaskJoined { .. }
            | CrEvent::QuorumReached
            | CrEvent::QuorumLost
            | CrEvent::TimeToLivePassed => {}
        }
    }
    approved
}

/// Who had triggered a task of this change request by then.
fn creators_before(case: &Case, sequence: u64, store: &Store) -> BTreeSet<Person> {
    let tasks = case.tasks.values().filter(|task| {
        let history = &store.history[&AggregateKey::Task(task.id().clone())];
        history[0].stamp.sequence < sequence
    });
    tasks
        .filter_map(|task| task.content.spec.creator.as_ref())
        .map(|creator| creator.person.clone())
        .collect()
}

/// G1, G3 by trying: enough people, and some way to give each place of a policy that needs its own
/// approvers to another one of them.
fn suffices(resultant: &ResultantPolicy, approved: &BTreeMap<Person, Approved>) -> bool {
    let own = |policy: &&MatchedPolicy| policy.terms.quorum == Quorum::Own;
    let places: Vec<&PolicyId> = resultant
        .policies
        .iter()
        .filter(own)
        .flat_map(|policy| vec![&policy.id; policy.minimum_approvals as usize])
        .collect();
    let people: Vec<BTreeSet<&PolicyId>> = approved
        .iter()
        .map(|(person, approval)| brought_by(resultant, person, &approval.eligibility))
        .collect();
    assert!(people.iter().all(|policies| !policies.is_empty()), "I-03");
    people.len() >= resultant.minimum_approvals as usize && fill(&places, &people)
}

/// Fills the first place with each person who may, and tries the rest without them.
fn fill(places: &[&PolicyId], people: &[BTreeSet<&PolicyId>]) -> bool {
    let Some((place, rest)) = places.split_first() else {
        return true;
    };
    (0..people.len()).any(|index| {
        let mut others = people.to_vec();
        others.remove(index).contains(place) && fill(rest, &others)
    })
}

/// The policies that named a person, or a team the person decided through.
fn brought_by<'a>(
    resultant: &'a ResultantPolicy,
    person: &Person,
    eligibility: &Eligibility,
) -> BTreeSet<&'a PolicyId> {
    let named = resultant.approvers.iter().filter(|it| match &it.approver {
        Approver::User(user) => user == person && eligibility.directly,
        Approver::Team(team) => eligibility.through.contains(&team.id),
    });
    named.flat_map(|it| &it.policies).collect()
}

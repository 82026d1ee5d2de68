//! M2, M3: the index of the directory finds what looking at every policy finds.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use countersign_domain::directory::{Directory, PolicyEvent};
use countersign_domain::ids::{EnvironmentId, ProjectId, Tag, TenantId};
use countersign_domain::log::Stamp;
use countersign_domain::policy::{Approvers, Policy, PolicyDraft, Scope, ScopeSide, Terms};
use countersign_domain::task::{TaskKind, TaskSpec};

use crate::harness::people::{at, policy_id, spec};

const IDS: [&str; 4] = ["a", "b", "c", "aa"];
const TAGS: [&str; 5] = ["tier/a", "tier/b", "area/a", "area/b", "x/a"];
const POLICIES: [&str; 4] = ["p0", "p1", "p2", "p3"];

proptest! {
    #![proptest_config(super::cases(1_000))]

    #[test]
    fn m2_m3_the_index_finds_what_a_naive_matcher_finds(
        edits in vec((select(&POLICIES[..]), prop::option::weighted(0.8, draft())), 1..12),
        tasks in vec(task(), 8),
    ) {
        let mut directory = Directory::default();
        for (sequence, (id, draft)) in (2u64..).zip(edits) {
            let stamp = Stamp { sequence, instant: at(0) };
            let id = policy_id(id);
            let draft = draft.map(|draft| Box::new(named(draft, &id)));
            let event = match (draft, directory.policy(&id)) {
                (Some(draft), None) => PolicyEvent::Created { draft },
                (Some(draft), Some(_)) => PolicyEvent::Updated { draft },
                (None, Some(_)) => PolicyEvent::Deleted,
                (None, None) => continue,
            };
            directory.apply_policy(&id, &event, stamp).unwrap();
            compare(&directory, &tasks)?;
        }
        let policies: Vec<Policy> = directory.policies().map(|p| p.as_ref().clone()).collect();
        let revision = directory.revision();
        let loaded =
            Directory::from_rows(revision, policies, Vec::new(), Vec::new(), Vec::new());
        compare(&loaded, &tasks)?;
        for task in &tasks {
            prop_assert_eq!(loaded.resultant(task), directory.resultant(task));
        }
    }
}

fn compare(directory: &Directory, tasks: &[TaskSpec]) -> Result<(), TestCaseError> {
    for task in tasks {
        let resultant = directory.resultant(task);
        let found: Vec<&str> = resultant.policies.iter().map(|p| p.id.as_str()).collect();
        let expected: Vec<&str> = directory
            .policies()
            .filter(|policy| binds(&policy.draft, task))
            .map(|policy| policy.draft.id.as_str())
            .collect();
        prop_assert_eq!(found, expected, "{:?}", task);
    }
    Ok(())
}

/// The rules once more, in the most tedious way.
fn binds(draft: &PolicyDraft, task: &TaskSpec) -> bool {
    if draft.disabled {
        return false;
    }
    for scope in &draft.scopes {
        let kind = scope.kinds.is_empty() || scope.kinds.iter().any(|kind| *kind == task.kind);
        let tenant = match &task.tenant {
            None => scope.tenants.is_empty(),
            Some(tenant) => scope.tenants.is_empty() || scope.tenants.contains(tenant),
        };
        let project = fits(&scope.projects, task.project.as_str(), &task.project_tags);
        let environment = fits(
            &scope.environments,
            task.environment.as_str(),
            &task.environment_tags,
        );
        if kind && tenant && project && environment {
            return true;
        }
    }
    false
}

fn fits(side: &ScopeSide, id: &str, tags: &BTreeSet<Tag>) -> bool {
    let set_of = |tag: &Tag| tag.as_str().split('/').next().unwrap().to_owned();
    match side {
        ScopeSide::Any => true,
        ScopeSide::Ids(ids) => ids.iter().any(|one| one == id),
        ScopeSide::Tags(wanted) => wanted.iter().all(|tag| {
            let same_set = wanted.iter().filter(|other| set_of(other) == set_of(tag));
            same_set.into_iter().any(|other| tags.contains(other))
        }),
    }
}

fn named(mut draft: PolicyDraft, id: &countersign_domain::ids::PolicyId) -> PolicyDraft {
    draft.id = id.clone();
    draft
}

fn draft() -> impl Strategy<Value = PolicyDraft> {
    (vec(scope(), 1..4), prop::bool::weighted(0.15)).prop_map(|(scopes, disabled)| PolicyDraft {
        id: policy_id("p0"),
        name: String::new(),
        description: String::new(),
        disabled,
        scopes,
        approvers: Approvers::default(),
        minimum_approvals: 1,
        block_creator: false,
        terms: Terms::default(),
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    let kinds = btree_set(kind(), 0..2);
    let tenants = btree_set(select(&IDS[..]), 0..2);
    (side(), side(), kinds, tenants).prop_map(|(projects, environments, kinds, tenants)| Scope {
        projects,
        environments,
        kinds,
        tenants: tenants
            .into_iter()
            .map(|id| TenantId::parse(id).unwrap())
            .collect(),
    })
}

/// `*`, a few ids, a few tags, or so many ids that two such sides name more pairs than are filed.
fn side() -> impl Strategy<Value = ScopeSide> {
    let few = btree_set(select(&IDS[..]), 1..4)
        .prop_map(|ids| ScopeSide::Ids(ids.into_iter().map(str::to_owned).collect()));
    let many = btree_set(select(&IDS[..]), 1..4).prop_map(|ids| {
        let padding = (0..40).map(|n| format!("padding-{n}"));
        ScopeSide::Ids(ids.into_iter().map(str::to_owned).chain(padding).collect())
    });
    let tags = tags(1).prop_map(ScopeSide::Tags);
    prop_oneof![2 => Just(ScopeSide::Any), 4 => few, 2 => many, 3 => tags]
}

fn tags(least: usize) -> impl Strategy<Value = BTreeSet<Tag>> {
    let texts = btree_set(select(&TAGS[..]), least..4);
    texts.prop_map(|texts| {
        texts
            .into_iter()
            .map(|text| Tag::parse(text).unwrap())
            .collect()
    })
}

fn kind() -> impl Strategy<Value = TaskKind> {
    select(&[TaskKind::Deployment, TaskKind::RunbookRun][..])
}

fn task() -> impl Strategy<Value = TaskSpec> {
    let id = || select(&IDS[..]);
    let tenant = prop::option::of(id());
    (id(), id(), tags(0), tags(0), kind(), tenant).prop_map(
        |(project, environment, project_tags, environment_tags, kind, tenant)| TaskSpec {
            project: ProjectId::parse(project).unwrap(),
            environment: EnvironmentId::parse(environment).unwrap(),
            project_tags,
            environment_tags,
            kind,
            tenant: tenant.map(|id| TenantId::parse(id).unwrap()),
            ..spec("t1")
        },
    )
}

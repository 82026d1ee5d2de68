//! What a grant covers of scopes and of other grants, against looking at every pair of a project
//! and an environment.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use countersign_domain::access::{Grant, GrantSide};
use countersign_domain::ids::{EnvironmentId, ProjectId, Tag};
use countersign_domain::policy::{Scope, ScopeSide};

const IDS: [&str; 4] = ["a", "b", "c", "aa"];
/// All ids there are: those that are named somewhere, and one that nobody names.
const ALL: [&str; 5] = ["a", "b", "c", "aa", "z"];

type Pairs = BTreeSet<(&'static str, &'static str)>;

fn pairs(projects: impl Fn(&str) -> bool, environments: impl Fn(&str) -> bool) -> Pairs {
    let all = ALL.iter().flat_map(|project| ALL.map(|it| (*project, it)));
    all.filter(|(project, environment)| projects(project) && environments(environment))
        .collect()
}

fn of_grant(grant: &Grant) -> Pairs {
    let has = |side: &GrantSide, id: &str| match side {
        GrantSide::Any => true,
        GrantSide::Only(ids) => ids.iter().any(|one| one == id),
    };
    pairs(
        |id| has(&grant.projects, id),
        |id| has(&grant.environments, id),
    )
}

/// Every pair of which some task may match: anything may carry the tags.
fn of_scopes(scopes: &[Scope]) -> Pairs {
    let may = |side: &ScopeSide, id: &str| match side {
        ScopeSide::Any | ScopeSide::Tags(_) => true,
        ScopeSide::Ids(ids) => ids.iter().any(|one| one == id),
    };
    let each = scopes.iter().flat_map(|scope| {
        pairs(
            |id| may(&scope.projects, id),
            |id| may(&scope.environments, id),
        )
    });
    each.collect()
}

fn grant() -> impl Strategy<Value = Grant> {
    let side = || {
        let ids = btree_set(select(&IDS[..]), 1..4);
        let ids = ids.prop_map(|ids| GrantSide::Only(ids.into_iter().map(str::to_owned).collect()));
        prop_oneof![1 => Just(GrantSide::Any), 3 => ids]
    };
    (side(), side()).prop_map(|(projects, environments)| Grant {
        projects,
        environments,
    })
}

fn scopes() -> impl Strategy<Value = Vec<Scope>> {
    let side = || {
        let ids = btree_set(select(&IDS[..]), 1..4);
        let ids = ids.prop_map(|ids| ScopeSide::Ids(ids.into_iter().map(str::to_owned).collect()));
        let tag = || Tag::parse("tier/a").unwrap();
        prop_oneof![
            1 => Just(ScopeSide::Any),
            1 => Just(ScopeSide::Tags([tag()].into())),
            6 => ids,
        ]
    };
    let scope = (side(), side()).prop_map(|(projects, environments)| Scope {
        projects,
        environments,
        kinds: BTreeSet::new(),
        tenants: BTreeSet::new(),
    });
    vec(scope, 1..4)
}

proptest! {
    #![proptest_config(super::cases(5_000))]

    #[test]
    fn i11_a_grant_covers_the_pairs_that_both_its_sides_name(grant in grant()) {
        let expected = of_grant(&grant);
        for (project, environment) in pairs(|_| true, |_| true) {
            let covers = grant.covers(
                &ProjectId::parse(project).unwrap(),
                &EnvironmentId::parse(environment).unwrap(),
            );
            prop_assert_eq!(covers, expected.contains(&(project, environment)));
        }
        let everything = ALL.len() * ALL.len();
        prop_assert_eq!(grant.is_unlimited(), expected.len() == everything);
    }

    #[test]
    fn i11_a_grant_includes_another_that_covers_nothing_more(one in grant(), other in grant()) {
        let naive = of_grant(&one).is_superset(&of_grant(&other));
        prop_assert_eq!(one.includes(&other), naive);
        prop_assert!(one.includes(&one) && Grant::unlimited().includes(&one));
        if one.includes(&other) && other.includes(&one) {
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn i11_a_grant_covers_scopes_that_match_nothing_beyond_it(
        grant in grant(),
        scopes in scopes(),
    ) {
        let naive = of_grant(&grant).is_superset(&of_scopes(&scopes));
        prop_assert_eq!(grant.covers_scopes(&scopes), naive);
        let naive = !of_grant(&grant).is_disjoint(&of_scopes(&scopes));
        prop_assert_eq!(grant.touches_scopes(&scopes), naive);
        prop_assert!(grant.touches_scopes(&scopes) || !grant.covers_scopes(&scopes));
    }

    #[test]
    fn i11_a_wider_grant_reaches_no_less(
        one in grant(),
        other in grant(),
        scopes in scopes(),
    ) {
        let wider = Grant::unlimited();
        for wide in [&one, &wider] {
            if wide.includes(&other) {
                prop_assert!(wide.covers_scopes(&scopes) || !other.covers_scopes(&scopes));
                prop_assert!(wide.touches_scopes(&scopes) || !other.touches_scopes(&scopes));
            }
        }
    }
}

#[test]
fn no_scope_touches_nothing() {
    assert!(!Grant::unlimited().touches_scopes(&[]));
}

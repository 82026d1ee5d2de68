//! M: which policies bind a task.

use countersign_domain::ids::{Tag, TenantId};
use countersign_domain::policy::{Scope, ScopeSide};
use countersign_domain::task::TaskKind;

use crate::harness::Gate;
use crate::harness::people::{spec, tags};

#[test]
fn m1_ids_are_unique_and_free_again_after_deletion() {
    Gate::played(
        "0 adm policy p users=ann           -> Done
         0 adm policy p users=bob           -> PolicyIdTaken entries=0
         0 adm team   t members=ann         -> Done
         0 adm team   t members=bob         -> TeamIdTaken entries=0
         0 adm edit-policy q users=bob      -> NotFound entries=0
         0 adm drop-policy q                -> NotFound entries=0
         0 adm edit-team q members=bob      -> NotFound entries=0
         0 adm drop-team q                  -> NotFound entries=0
         0 adm edit-policy p users=ann      -> Done entries=0
         0 adm edit-policy p users=bob      -> Done entries=1
         0 adm drop-policy p                -> Done entries=1
         0 adm policy p users=bob           -> Done entries=1",
    );
}

#[test]
fn m1_a_policy_is_enforced_until_it_is_switched_off() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1                        -> PENDING PAUSED:approval
         2 adm edit-policy p disabled=yes       -> Done
         3 orc create t2                        -> APPROVED CLEARED
         4 adm edit-policy p users=bob          -> Done
         5 orc create t3                        -> APPROVED CLEARED
         6 adm edit-policy p disabled=no        -> Done
         7 orc create t4                        -> PENDING
         8 time settle t1                       -> PENDING PAUSED:approval",
    );
}

#[test]
fn m1_an_unknown_team_is_refused() {
    Gate::played(
        "0 adm policy p teams=dev               -> InvalidField entries=0
         0 adm team dev members=ann             -> Done
         0 adm policy p teams=dev               -> Done
         0 adm edit-policy p teams=dev,ops      -> InvalidField entries=0",
    );
}

#[test]
fn m2_both_sides_must_match_and_ids_match_exactly() {
    Gate::played(
        "0 adm policy p users=ann projects=web,api envs=prod
         1 orc create t1 project=web  env=prod     -> PENDING
         1 orc create t2 project=api  env=prod     -> PENDING
         1 orc create t3 project=web  env=staging  -> APPROVED required=false
         1 orc create t4 project=docs env=prod     -> APPROVED required=false
         1 orc create t5 project=web  env=nonprod  -> APPROVED required=false
         1 orc create t6 project=web  env=pro      -> APPROVED required=false
         1 orc create t7 project=web2 env=prod     -> APPROVED required=false
         1 orc create t8 project=Web  env=prod     -> APPROVED required=false
         1 orc create t9 project=prod env=web      -> APPROVED required=false
         2 adm edit-policy p projects=* envs=*
         3 orc create u1 project=docs env=nonprod  -> PENDING",
    );
}

#[test]
fn m2_an_empty_side_is_refused_also_in_a_disabled_policy() {
    Gate::played(
        "0 adm policy p users=ann projects=              -> InvalidField entries=0
         0 adm policy p users=ann envs= disabled         -> InvalidField entries=0
         0 adm policy p users=ann                        -> Done
         0 adm edit-policy p projects=                   -> InvalidField entries=0
         1 orc create t1                                 -> PENDING",
    );
}

#[test]
fn m2_an_empty_side_matches_nothing() {
    let scope = |projects: ScopeSide, environments: ScopeSide| Scope {
        projects,
        environments,
        kinds: [].into(),
        tenants: [].into(),
    };
    let task = spec("t1");
    assert!(scope(ScopeSide::Any, ScopeSide::Any).matches(&task));
    for empty in [ScopeSide::Ids([].into()), ScopeSide::Tags([].into())] {
        assert!(!scope(empty.clone(), ScopeSide::Any).matches(&task));
        assert!(!scope(ScopeSide::Any, empty).matches(&task));
    }
}

#[test]
fn m3_tags_of_one_set_are_alternatives_and_sets_must_all_match() {
    Gate::played(
        "0 adm policy p users=ann projects=tier/a,tier/b,area/eu envs=*
         1 orc create t1 ptags=tier/a,area/eu         -> PENDING
         1 orc create t2 ptags=tier/b,area/eu,x/y     -> PENDING
         1 orc create t3 ptags=tier/a                 -> APPROVED
         1 orc create t4 ptags=area/eu                -> APPROVED
         1 orc create t5 ptags=tier/c,area/eu         -> APPROVED
         1 orc create t6 ptags=tier/ab,area/eu        -> APPROVED
         1 orc create t7                              -> APPROVED
         1 orc create t8 etags=tier/a,area/eu         -> APPROVED",
    );
}

#[test]
fn m3_scopes_are_alternatives_and_kind_and_tenant_narrow_them() {
    let ids = |id: &str| ScopeSide::Ids([id.to_owned()].into());
    let narrow = Scope {
        projects: ids("web"),
        environments: ScopeSide::Any,
        kinds: [TaskKind::Deployment].into(),
        tenants: [TenantId::parse("acme").unwrap()].into(),
    };
    let other = Scope {
        projects: ScopeSide::Any,
        environments: ids("dr"),
        kinds: [].into(),
        tenants: [].into(),
    };
    let scopes = [narrow, other];
    // project, environment, tenant, kind, whether any scope matches
    let rows = [
        ("web", "prod", Some("acme"), TaskKind::Deployment, true),
        ("web", "prod", Some("acme"), TaskKind::RunbookRun, false),
        ("web", "prod", Some("emca"), TaskKind::Deployment, false),
        ("web", "prod", None, TaskKind::Deployment, false),
        ("api", "prod", Some("acme"), TaskKind::Deployment, false),
        ("api", "dr", None, TaskKind::RunbookRun, true),
        ("web", "dr", Some("emca"), TaskKind::RunbookRun, true),
    ];
    for (project, environment, tenant, kind, matches) in rows {
        let mut task = spec("t1");
        task.project = countersign_domain::ids::ProjectId::parse(project).unwrap();
        task.environment = countersign_domain::ids::EnvironmentId::parse(environment).unwrap();
        task.tenant = tenant.map(|id| TenantId::parse(id).unwrap());
        task.kind = kind;
        let found = scopes.iter().any(|scope| scope.matches(&task));
        assert_eq!(found, matches, "{project} {environment} {tenant:?} {kind}");
    }
}

#[test]
fn m3_kind_and_tenant_of_a_policy_narrow_it() {
    Gate::played(
        "0 adm policy p users=ann kinds=runbook tenants=acme
         1 orc create t1 kind=runbook tenant=acme      -> PENDING
         1 orc create t2 kind=deployment tenant=acme   -> APPROVED
         1 orc create t3 kind=runbook                  -> APPROVED
         1 orc create t4 kind=runbook tenant=emca      -> APPROVED",
    );
}

#[test]
fn m4_tags_kind_and_tenant_stay_as_they_were_at_creation() {
    let gate = Gate::played(
        "0 adm policy p users=ann projects=tier/a envs=*
         1 orc create t1 ptags=tier/a tenant=acme    -> PENDING
         2 orc create t1 ptags=tier/b tenant=acme    -> TaskIdTaken PENDING
         3 orc create t1 ptags=tier/a tenant=emca    -> TaskIdTaken PENDING
         4 adm edit-policy p projects=tier/b         -> Done
         5 orc create t1 ptags=tier/a tenant=acme    -> Done PENDING min=1",
    );
    let task = gate.case("t1").unwrap().tasks.values().next().unwrap();
    assert_eq!(task.content.spec.project_tags, tags("tier/a"));
    assert_eq!(
        task.content.spec.project_tags.first().map(Tag::set),
        Some("tier")
    );
}

#[test]
fn m5_a_minimum_is_1_to_99_and_somebody_may_approve() {
    Gate::played(
        "0 adm policy p users=ann min=0                  -> InvalidField entries=0
         0 adm policy p users=ann min=100                -> InvalidField entries=0
         0 adm policy p users=ann min=0 disabled         -> InvalidField entries=0
         0 adm policy p                                  -> InvalidField entries=0
         0 adm policy p users=ann min=1                  -> Done
         0 adm policy q users=ann min=99                 -> Done
         0 adm edit-policy p min=0                       -> InvalidField entries=0
         0 adm edit-policy p min=100                     -> InvalidField entries=0
         0 adm edit-policy p users=                      -> InvalidField entries=0
         1 orc create t1                                 -> PENDING min=99",
    );
}

#[test]
fn m5_the_minimum_is_that_many_people() {
    for minimum in [1, 2, 3, 99] {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p users=ann,bob,cat min={minimum}"));
        gate.play("1 orc create t1 -> PENDING counted=0");
        for (count, person) in [(1, "ann"), (2, "bob"), (3, "cat")] {
            let state = if count >= minimum {
                "APPROVED"
            } else {
                "PENDING"
            };
            gate.play(&format!(
                "2 {person} approve t1 -> Done {state} counted={count}"
            ));
        }
    }
}

#[test]
fn m6_no_policy_is_born_approved_and_says_so() {
    let gate = Gate::played(
        "0 adm policy p users=ann envs=prod
         1 orc create t1 env=prdo                    -> APPROVED CLEARED required=false gen=1
         2 orc create t2 env=prdo window=10..        -> APPROVED PAUSED:window required=false",
    );
    let line = crate::harness::facts::line(&gate, "t1");
    assert_eq!(
        line,
        "Deployment may start under change request CR-1: no policy matched"
    );
}

#[test]
fn m6_require_policy_turns_that_into_a_refusal() {
    let mut gate = Gate::new();
    gate.settings.require_policy = true;
    gate.play(
        "0 orc create t1                           -> PolicyRequired absent entries=0
         1 adm policy p users=ann disabled=yes     -> Done
         2 orc create t1                           -> PolicyRequired absent
         3 adm edit-policy p disabled=no           -> Done
         4 orc create t1 env=prdo                  -> PolicyRequired absent
         5 orc create t1                           -> PENDING CR-1
         6 adm drop-policy p                       -> Done
         7 orc create t1                           -> Done PENDING CR-1",
    );
}

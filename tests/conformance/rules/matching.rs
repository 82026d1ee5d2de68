//! M1 to M4: which tasks a policy matches.

use countersign_proto::v1::{Scope, ScopeSide, TaskKind, TaskSpec};
use tonic::Code;

use crate::gate::{Expect, Gate, PolicySpec, deployment, ids, tags};

/// The policies that a task would fall under.
async fn matched(gate: &Gate, task: TaskSpec) -> Vec<String> {
    let seen = gate.orchestrator().preview(task).await.granted();
    let resultant = seen.change_request.unwrap().resultant_policy.unwrap();
    resultant
        .policies
        .into_iter()
        .map(|policy| policy.id)
        .collect()
}

/// A task of this project and environment.
fn task(project: &str, environment: &str) -> TaskSpec {
    TaskSpec {
        project: project.to_owned(),
        environment: environment.to_owned(),
        ..deployment("t1")
    }
}

/// A task whose project and environment carry these tags.
fn tagged(project_tags: &[&str], environment_tags: &[&str]) -> TaskSpec {
    let texts = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect();
    TaskSpec {
        project_tags: texts(project_tags),
        environment_tags: texts(environment_tags),
        ..deployment("t1")
    }
}

fn scope(projects: Option<ScopeSide>, environments: Option<ScopeSide>) -> Scope {
    Scope {
        projects,
        environments,
        ..Scope::default()
    }
}

on_both_stores! {
    async fn m1_a_policy_is_named_by_its_id_and_enforced_unless_disabled(gate) {
        let admin = gate.admin();
        let kept = admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let kept = kept.policy.unwrap();
        assert_eq!((kept.id.as_str(), kept.name.as_str(), kept.revision), ("prod", "prod", 1));
        assert!(!kept.disabled);
        assert_eq!(matched(gate, deployment("t1")).await, ["prod"]);
        let before = gate.entries().await;
        let again = PolicySpec::new("prod").users(&["bob"]);
        let refused = admin.policy(again).await.refused("POLICY_ID_TAKEN", "M1");
        assert_eq!(refused.code, Code::AlreadyExists);
        assert_eq!(gate.entries().await, before);
    }

    async fn m1_a_disabled_policy_binds_nothing_until_it_is_switched_on(gate) {
        let admin = gate.admin();
        let off = PolicySpec::new("prod").users(&["alice"]).with(|policy| policy.disabled = true);
        admin.policy(off.clone()).await.granted();
        assert!(matched(gate, deployment("t1")).await.is_empty());
        let on = off.with(|policy| policy.disabled = false);
        admin.update_policy(on.clone(), &["disabled"]).await.granted();
        assert_eq!(matched(gate, deployment("t1")).await, ["prod"]);
        let off = on.with(|policy| policy.disabled = true);
        admin.update_policy(off, &["disabled"]).await.granted();
        assert!(matched(gate, deployment("t1")).await.is_empty());
    }

    async fn m2_both_sides_must_match(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.only(&["web", "api"], &["production", "dr"]);
        gate.admin().policy(policy).await.granted();
        for (project, environment, falls_under) in [
            ("web", "production", true),
            ("api", "dr", true),
            ("web", "staging", false),
            ("docs", "production", false),
            ("production", "web", false),
        ] {
            let found = matched(gate, task(project, environment)).await;
            assert_eq!(!found.is_empty(), falls_under, "{project} to {environment}");
        }
    }

    async fn m2_ids_match_exactly_never_by_part(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).only(&["web"], &["prod"]);
        gate.admin().policy(policy).await.granted();
        for (project, environment) in [
            ("we", "prod"),
            ("web2", "prod"),
            ("my-web", "prod"),
            ("Web", "prod"),
            ("web", "production"),
            ("web", "nonprod"),
            ("web", "PROD"),
            ("*", "prod"),
        ] {
            let found = matched(gate, task(project, environment)).await;
            assert!(found.is_empty(), "{project} to {environment}");
        }
        assert_eq!(matched(gate, task("web", "prod")).await, ["prod"]);
    }

    async fn m2_a_star_is_everything_on_its_side(gate) {
        let admin = gate.admin();
        let star = |id: &str| PolicySpec::new(id).users(&["alice"]);
        admin.policy(star("all")).await.granted();
        admin.policy(star("prod").only(&["*"], &["production"])).await.granted();
        admin.policy(star("web").only(&["web"], &["*"])).await.granted();
        assert_eq!(matched(gate, task("docs", "staging")).await, ["all"]);
        assert_eq!(matched(gate, task("docs", "production")).await, ["all", "prod"]);
        assert_eq!(matched(gate, task("web", "staging")).await, ["all", "web"]);
        assert_eq!(matched(gate, task("web", "production")).await, ["all", "prod", "web"]);
    }

    async fn m2_an_empty_side_is_refused_also_when_disabled(gate) {
        let admin = gate.admin();
        let both = ScopeSide { ids: vec!["web".to_owned()], tags: vec!["a/b".to_owned()] };
        let bad = [
            Vec::new(),
            vec![scope(None, ids(&["*"]))],
            vec![scope(ids(&["*"]), None)],
            vec![scope(ids(&[]), ids(&["*"]))],
            vec![scope(ids(&["*"]), tags(&[]))],
            vec![scope(ids(&["*"]), ids(&["*"])), Scope::default()],
            vec![scope(Some(both), ids(&["*"]))],
            vec![scope(ids(&["*", "web"]), ids(&["*"]))],
        ];
        let before = gate.entries().await;
        for scopes in bad {
            for disabled in [false, true] {
                let policy = PolicySpec::new("prod").users(&["alice"]).scopes(scopes.clone());
                let policy = policy.with(|policy| policy.disabled = disabled);
                let refused = admin.policy(policy).await.refused("INVALID_FIELD", "M2");
                assert_eq!(refused.code, Code::InvalidArgument);
                assert!(refused.metadata["field"].starts_with("policy.scopes"), "{refused:?}");
            }
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn m2_an_update_cannot_empty_a_side(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice"]);
        admin.policy(policy.clone()).await.granted();
        let before = gate.entries().await;
        for scopes in [Vec::new(), vec![scope(ids(&["web"]), None)]] {
            let emptied = policy.clone().scopes(scopes);
            admin.update_policy(emptied, &["scopes"]).await.refused("INVALID_FIELD", "M2");
        }
        assert_eq!(gate.entries().await, before);
        assert_eq!(matched(gate, deployment("t1")).await, ["prod"]);
    }

    async fn m3_tags_of_one_set_are_alternatives_and_sets_must_all_match(gate) {
        let side = tags(&["tier/a", "tier/b", "region/eu"]);
        let policy = PolicySpec::new("tagged").users(&["alice"]);
        let policy = policy.scopes(vec![scope(side, ids(&["*"]))]);
        gate.admin().policy(policy).await.granted();
        let rows: [(&[&str], bool); 8] = [
            (&["tier/a", "region/eu"], true),
            (&["tier/b", "region/eu", "other/x"], true),
            (&["tier/a", "tier/b", "region/eu"], true),
            (&["tier/a"], false),
            (&["region/eu"], false),
            (&["tier/c", "region/eu"], false),
            (&["tier/ab", "region/eu"], false),
            (&[], false),
        ];
        for (carried, falls_under) in rows {
            let found = matched(gate, tagged(carried, &[])).await;
            assert_eq!(!found.is_empty(), falls_under, "{carried:?}");
        }
        let on_the_other_side = tagged(&[], &["tier/a", "region/eu"]);
        assert!(matched(gate, on_the_other_side).await.is_empty());
    }

    async fn m3_tags_of_both_sides_must_match(gate) {
        let sides = scope(tags(&["tier/critical"]), tags(&["kind/production"]));
        let policy = PolicySpec::new("tagged").users(&["alice"]).scopes(vec![sides]);
        gate.admin().policy(policy).await.granted();
        let one = tagged(&["tier/critical"], &[]);
        assert!(matched(gate, one).await.is_empty());
        let both = tagged(&["tier/critical"], &["kind/production"]);
        assert_eq!(matched(gate, both).await, ["tagged"]);
    }

    async fn m3_scopes_of_one_policy_are_alternatives(gate) {
        let scopes = vec![
            scope(ids(&["web"]), ids(&["production"])),
            scope(tags(&["tier/critical"]), ids(&["staging"])),
        ];
        let policy = PolicySpec::new("either").users(&["alice"]).scopes(scopes);
        gate.admin().policy(policy).await.granted();
        assert_eq!(matched(gate, task("web", "production")).await, ["either"]);
        assert!(matched(gate, task("web", "staging")).await.is_empty());
        let critical = |environment: &str| TaskSpec {
            project_tags: vec!["tier/critical".to_owned()],
            ..task("api", environment)
        };
        assert_eq!(matched(gate, critical("staging")).await, ["either"]);
        assert!(matched(gate, critical("production")).await.is_empty());
    }

    async fn m3_a_kind_narrows_a_scope(gate) {
        let admin = gate.admin();
        for (id, kinds) in [
            ("both", vec![]),
            ("deployments", vec![TaskKind::Deployment.into()]),
            ("runbooks", vec![TaskKind::RunbookRun.into()]),
        ] {
            let policy = PolicySpec::new(id).users(&["alice"]);
            admin.policy(policy.with(|policy| policy.scopes[0].kinds = kinds)).await.granted();
        }
        assert_eq!(matched(gate, deployment("t1")).await, ["both", "deployments"]);
        let run = TaskSpec { kind: TaskKind::RunbookRun.into(), ..deployment("t1") };
        assert_eq!(matched(gate, run).await, ["both", "runbooks"]);
    }

    async fn m3_a_tenant_narrows_a_scope(gate) {
        let admin = gate.admin();
        let for_tenants = |id: &str, tenants: &[&str]| {
            let tenants = tenants.iter().map(|&tenant| tenant.to_owned()).collect();
            let policy = PolicySpec::new(id).users(&["alice"]);
            policy.with(|policy| policy.scopes[0].tenants = tenants)
        };
        admin.policy(for_tenants("all", &[])).await.granted();
        admin.policy(for_tenants("some", &["acme", "initech"])).await.granted();
        admin.policy(for_tenants("star", &["*"])).await.refused("INVALID_FIELD", "M3");
        let of = |tenant: &str| TaskSpec { tenant: tenant.to_owned(), ..deployment("t1") };
        assert_eq!(matched(gate, of("acme")).await, ["all", "some"]);
        assert_eq!(matched(gate, of("initech")).await, ["all", "some"]);
        assert_eq!(matched(gate, of("acme-2")).await, ["all"]);
        assert_eq!(matched(gate, of("")).await, ["all"]);
    }

    async fn m4_tags_kind_and_tenant_stay_as_they_were_at_creation(gate) {
        let sides = scope(tags(&["tier/critical"]), ids(&["*"]));
        let policy = PolicySpec::new("tagged").users(&["alice"]).scopes(vec![sides]);
        gate.admin().policy(policy).await.granted();
        let orchestrator = gate.orchestrator();
        let first = TaskSpec { tenant: "acme".to_owned(), ..tagged(&["tier/critical"], &[]) };
        let kept = orchestrator.opened(first.clone()).await;
        let free = orchestrator.opened(deployment("t2")).await;
        assert!(kept.approval_required && !free.approval_required);
        let without = TaskSpec { project_tags: Vec::new(), ..first.clone() };
        orchestrator.create(without).await.refused("TASK_ID_TAKEN", "C2");
        let shown = orchestrator.task("t1").await.granted().spec.unwrap();
        assert_eq!(shown.project_tags, ["tier/critical"]);
        assert_eq!((shown.kind(), shown.tenant.as_str()), (TaskKind::Deployment, "acme"));
        let still = orchestrator.change_request("t1").await.granted();
        assert_eq!(still.resultant_policy, kept.resultant_policy);
    }
}

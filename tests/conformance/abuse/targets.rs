//! What a policy applies to is written out, and matches exactly; what none applies to says so, and
//! is refused where policies are required.

use countersign_proto::v1::{ChangeRequestState, Scope, TaskSpec, TaskState, WarningKind};
use tonic::Code;

use super::stage::{Kept, believing};
use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, Setup, TokenSpec, deployment, ids, tags};

/// Other spellings of `production`, all of which are ids of their own.
const MISSPELT: [&str; 11] = [
    "Production",
    "PRODUCTION",
    "prod",
    "productio",
    "production2",
    "produc tion",
    "pr\u{43e}duction",
    "\u{ff50}roduction",
    "production/eu",
    "production,staging",
    "*",
];

/// Ids that hold `prod`, or are held by it.
const NEARLY_PROD: [&str; 12] = [
    "nonprod", "non-prod", "prod2", "2prod", "preprod", "pro", "Prod", "PROD", "prod.", "prod/eu",
    "*prod", "pr*",
];

/// A task of this environment.
fn to(id: &str, environment: &str) -> TaskSpec {
    TaskSpec {
        environment: environment.to_owned(),
        ..deployment(id)
    }
}

/// A task whose project carries these tags.
fn tagged(id: &str, project_tags: &[&str]) -> TaskSpec {
    TaskSpec {
        project_tags: project_tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..deployment(id)
    }
}

/// A policy for critical projects in production.
fn critical() -> PolicySpec {
    let scope = Scope {
        projects: tags(&["tier/critical"]),
        environments: ids(&["*"]),
        ..Scope::default()
    };
    PolicySpec::new("critical")
        .scopes(vec![scope])
        .users(&["alice"])
}

/// The policies that a task would fall under.
async fn matched(gate: &Gate, task: TaskSpec) -> Vec<String> {
    let seen = gate
        .orchestrator()
        .preview(task)
        .await
        .granted()
        .change_request
        .unwrap();
    let policies = seen.resultant_policy.unwrap().policies.into_iter();
    policies.map(|policy| policy.id).collect()
}

/// It was born approved because nothing matched, and it says so wherever it is shown.
async fn is_told_as_unmatched(gate: &Gate, task: TaskSpec) {
    let created = gate.orchestrator().create(task).await.granted();
    let cr = created.change_request.unwrap();
    assert_eq!(cr.state(), ChangeRequestState::Approved);
    assert!(
        created.message.ends_with("no policy matched"),
        "{}",
        created.message
    );
    assert!(!cr.approval_required && cr.decisions.is_empty(), "{cr:?}");
    let resultant = cr.resultant_policy.as_ref().unwrap();
    assert!(resultant.policies.is_empty(), "{resultant:?}");
    let warned: Vec<_> = cr
        .warnings
        .iter()
        .map(countersign_proto::v1::Warning::kind)
        .collect();
    assert_eq!(warned, [WarningKind::NoPolicyMatched]);
    let shown = gate.as_("alice").change_request(&cr.id).await.granted();
    assert_eq!(
        (shown.warnings, shown.approval_required),
        (cr.warnings, false)
    );
}

/// Orchestrators and people who are limited to `prod`.
fn limited() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("prod-ci", &["orchestrator"]).environments(&["prod"]),
        TokenSpec::person("prod-alice", "alice").environments(&["prod"]),
    ]
}

on_both_stores! {
    async fn abuse_a_misspelt_environment_is_told_as_unmatched(gate) {
        let policy = PolicySpec::new("prod").only(&["web"], &["production"]).users(&["alice"]);
        gate.admin().policy(policy).await.granted();
        for (number, environment) in MISSPELT.into_iter().enumerate() {
            is_told_as_unmatched(gate, to(&format!("t{number}"), environment)).await;
        }
        // White space is no other id: it is refused.
        for environment in [" production", "production ", "production\u{a0}", ""] {
            let refused = gate.orchestrator().create(to("bad", environment)).await;
            refused.bad_field("task.environment", "E1");
        }
        gate.waiting(to("honest", "production")).await;
        gate.runner().start("honest", 1, "claim").await.refused("START_NOT_NOW", "P4");
    }

    async fn abuse_missing_tags_are_told_as_unmatched(gate) {
        gate.admin().policy(critical()).await.granted();
        let tags: [&[&str]; 6] = [
            &[],
            &["tier/Critical"],
            &["tier/critical2"],
            &["tiers/critical"],
            &["critical/tier"],
            &["tier/low", "other/critical"],
        ];
        for (number, tags) in tags.into_iter().enumerate() {
            is_told_as_unmatched(gate, tagged(&format!("t{number}"), tags)).await;
        }
        // Carried as a label, a title or in the other list, it is no tag of the project.
        let elsewhere = TaskSpec {
            environment_tags: vec!["tier/critical".to_owned()],
            labels: [("tier".to_owned(), "critical".to_owned())].into(),
            title: "tier/critical".to_owned(),
            ..deployment("elsewhere")
        };
        is_told_as_unmatched(gate, elsewhere).await;
        gate.waiting(tagged("honest", &["tier/critical"])).await;
    }

    async fn abuse_prod_is_never_nonprod(gate) {
        let admin = gate.admin();
        let policy = |id: &str| PolicySpec::new(id).only(&["*"], &[id]).users(&["alice"]);
        admin.policy(policy("prod")).await.granted();
        admin.policy(policy("nonprod")).await.granted();
        for environment in NEARLY_PROD {
            let expected: &[&str] = if environment == "nonprod" { &["nonprod"] } else { &[] };
            assert_eq!(matched(gate, to("t1", environment)).await, expected, "{environment}");
        }
        assert_eq!(matched(gate, to("t1", "prod")).await, ["prod"]);
        // Nor does the approval of one open the other.
        gate.approved(to("lax", "nonprod")).await;
        gate.waiting(to("strict", "prod")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["strict"]).await;
        gate.runner().start("strict", 1, "claim").await.refused("START_NOT_NOW", "P4");
        kept.holds(gate).await;
        gate.runner().start("lax", 1, "claim").await.granted();
    }

    async fn abuse_a_freeze_of_prod_is_not_passed_by_its_likes(gate) {
        gate.alice_approves().await;
        gate.frozen(FreezeSpec::new("all").only(&["*"], &["prod"])).await;
        for (number, environment) in NEARLY_PROD.into_iter().enumerate() {
            let id = format!("t{number}");
            let task = gate.approved(to(&id, environment)).await;
            assert_eq!(task.state(), TaskState::Cleared, "{environment}");
        }
        let held = gate.approved(to("held", "prod")).await;
        assert_eq!(held.state(), TaskState::Paused);
        let refused = gate.runner().start("held", 1, "claim").await;
        assert_eq!(refused.refused("START_NOT_NOW", "P4").fact("freezes"), "all");
        gate.runner().start("t0", 1, "claim").await.granted();
    }
}

on_both_stores! { with Setup { require_policy: true, ..Setup::default() };
    async fn abuse_what_no_policy_matches_is_refused_where_one_is_required(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").only(&["web"], &["production"]).users(&["alice"]);
        admin.policy(policy).await.granted();
        let entries = gate.entries().await;
        let orchestrator = gate.orchestrator();
        for environment in MISSPELT {
            let task = to("t1", environment);
            let refused = orchestrator.create(task.clone()).await.refused("POLICY_REQUIRED", "M6");
            assert_eq!(refused.code, Code::FailedPrecondition);
            assert_eq!(refused.fact("environment"), environment);
            orchestrator.preview(task).await.refused("POLICY_REQUIRED", "M6");
        }
        // A policy that is switched off matches nothing.
        assert_eq!(gate.entries().await, entries);
        orchestrator.task("t1").await.refused("NOT_FOUND", "E1");
        let off = PolicySpec::new("off").users(&["alice"]).with(|policy| policy.disabled = true);
        admin.policy(off).await.granted();
        orchestrator.create(to("t1", "Production")).await.refused("POLICY_REQUIRED", "M6");
        gate.waiting(to("t1", "production")).await;
    }

    async fn abuse_missing_tags_are_refused_where_a_policy_is_required(gate) {
        gate.admin().policy(critical()).await.granted();
        let (orchestrator, entries) = (gate.orchestrator(), gate.entries().await);
        for tags in [&[][..], &["tier/Critical"], &["tier/critical2"], &["xtier/critical"]] {
            let refused = orchestrator.create(tagged("t1", tags)).await;
            refused.refused("POLICY_REQUIRED", "M6");
        }
        assert_eq!(gate.entries().await, entries);
        gate.waiting(tagged("t1", &["tier/critical"])).await;
    }
}

on_both_stores! { with believing(limited);
    async fn abuse_a_grant_for_prod_covers_nothing_like_it(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        gate.admin().policy(policy).await.granted();
        let (ci, alice) = (gate.with_token("prod-ci"), gate.with_token("prod-alice"));
        for (number, environment) in NEARLY_PROD.into_iter().enumerate() {
            let id = format!("t{number}");
            gate.waiting(to(&id, environment)).await;
            let kept = Kept::of(gate, &gate.orchestrator(), &[&id]).await;
            ci.create(to("new", environment)).await.refused("OUTSIDE_GRANT", "C2");
            ci.withdraw(&id).await.refused("NOT_FOUND", "E1");
            alice.approve(&id).await.refused("NOT_FOUND", "E1");
            alice.reject(&id).await.refused("NOT_FOUND", "E1");
            kept.holds(gate).await;
        }
        ci.create(to("honest", "prod")).await.granted();
        let approved = alice.approve("honest").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }
}

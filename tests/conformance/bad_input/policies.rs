//! Bad policies: each field, at its limits and beyond; masks, guards, unknown ids.

use countersign_proto::v1::{
    Approvers, CreatePolicyRequest, DeletePolicyRequest, Person, Policy, Scope, ScopeSide,
    UpdatePolicyRequest,
};
use tonic::Code;

use super::{bad_comments, bad_names, good_names};
use crate::gate::{Expect, Gate, PolicySpec, ids, mask, person, tags};

/// A policy with one change.
fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    PolicySpec::new("prod")
        .users(&["alice"])
        .with(change)
        .build()
}

/// A policy whose one scope is changed.
fn scoped(change: impl FnOnce(&mut Scope)) -> Policy {
    with(|policy| change(&mut policy.scopes[0]))
}

/// A policy with other approvers.
fn approvers(users: Vec<Person>, teams: Vec<String>) -> Policy {
    with(|policy| policy.approvers = Some(Approvers { users, teams }))
}

/// A policy with these users as its approvers.
fn users(users: &[&str]) -> Policy {
    approvers(users.iter().map(|user| person(user)).collect(), Vec::new())
}

fn people(count: usize) -> Vec<Person> {
    (0..count)
        .map(|number| person(&format!("person-{number}")))
        .collect()
}

fn many(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}{number}"))
        .collect()
}

fn create(policy: Policy) -> CreatePolicyRequest {
    CreatePolicyRequest {
        policy: Some(policy),
        ..CreatePolicyRequest::default()
    }
}

/// Each is refused by its field and rule, switched off or not; nothing is written.
async fn all_refused(gate: &Gate, rule: &str, policies: Vec<(String, Policy)>) {
    let entries = gate.entries().await;
    for (field, policy) in policies {
        for disabled in [false, true] {
            let policy = Policy {
                disabled,
                ..policy.clone()
            };
            gate.admin()
                .policy_with(create(policy))
                .await
                .bad_field(&field, rule);
        }
    }
    assert_eq!(gate.entries().await, entries);
}

/// Each is taken, under an id of its own where it has none.
async fn all_taken(gate: &Gate, policies: Vec<Policy>) {
    for (number, mut policy) in policies.into_iter().enumerate() {
        if policy.id == "prod" {
            policy.id = format!("taken-{number}");
        }
        gate.admin().policy_with(create(policy)).await.granted();
    }
}

fn row(field: &str, policy: Policy) -> (String, Policy) {
    (format!("policy.{field}"), policy)
}

on_both_stores! {
    async fn m1_bad_names_and_texts_are_refused_by_field(gate) {
        let mut rows = vec![row("id", with(|policy| policy.id.clear()))];
        for name in bad_names() {
            rows.push(row("id", with(|policy| policy.id.clone_from(&name))));
            let trimmed = name.trim() == name;
            if trimmed {
                rows.push(row("name", with(|policy| policy.name = name)));
            }
        }
        for text in bad_comments() {
            rows.push(row("description", with(|policy| policy.description = text)));
        }
        all_refused(gate, "E1", rows).await;
        let odd = good_names().into_iter().map(|name| with(|policy| {
            policy.id.clone_from(&name);
            policy.name = name;
            policy.description = "x".repeat(4_096);
        }));
        all_taken(gate, odd.collect()).await;
        gate.admin().policy_with(CreatePolicyRequest::default()).await.bad_field("policy", "E1");
    }

    async fn m2_bad_scopes_are_refused_by_field(gate) {
        let both = ScopeSide { ids: vec!["web".to_owned()], tags: vec!["a/b".to_owned()] };
        all_refused(gate, "M2", vec![
            row("scopes", with(|policy| policy.scopes.clear())),
            row("scopes[0].projects", scoped(|scope| scope.projects = None)),
            row("scopes[0].environments", scoped(|scope| scope.environments = None)),
            row("scopes[0].projects", scoped(|scope| scope.projects = ids(&[]))),
            row("scopes[0].environments", scoped(|scope| scope.environments = tags(&[]))),
            row("scopes[0].projects", scoped(|scope| scope.projects = Some(both))),
            row("scopes[0].projects", scoped(|scope| scope.projects = ids(&["*", "web"]))),
            row("scopes[0].projects", scoped(|scope| scope.projects = ids(&["*", "*"]))),
        ]).await;
    }

    async fn m3_bad_parts_of_scopes_are_refused_by_field(gate) {
        let mut rows = Vec::new();
        for kind in [0, 3, -1] {
            rows.push(row("scopes[0].kinds[1]", scoped(|scope| scope.kinds = vec![1, kind])));
        }
        for tag in ["tier", "/critical", "tier/", "a/b/c", ""] {
            let spoilt = scoped(|scope| scope.projects = tags(&["set/tag", tag]));
            rows.push(row("scopes[0].projects.tags[1]", spoilt));
        }
        for name in bad_names().into_iter().chain([String::new()]) {
            let spoilt = scoped(|scope| scope.environments = ids(&["production", &name]));
            rows.push(row("scopes[0].environments.ids[1]", spoilt));
            rows.push(row("scopes[0].tenants[0]", scoped(|scope| scope.tenants = vec![name])));
        }
        all_refused(gate, "E1", rows).await;
        let tenant = scoped(|scope| scope.tenants = vec!["acme".to_owned(), "*".to_owned()]);
        all_refused(gate, "M3", vec![row("scopes[0].tenants", tenant)]).await;
    }

    async fn m2_scopes_have_their_limits(gate) {
        let side = |count| Some(ScopeSide { ids: many("project-", count), tags: Vec::new() });
        let tagged = |count| Some(ScopeSide { ids: Vec::new(), tags: many("set/", count) });
        let scopes = |count| with(|policy| policy.scopes = vec![policy.scopes[0].clone(); count]);
        all_refused(gate, "E1", vec![
            row("scopes", scopes(101)),
            row("scopes[0].projects.ids", scoped(|scope| scope.projects = side(1_001))),
            row("scopes[0].projects.tags", scoped(|scope| scope.projects = tagged(65))),
            row("scopes[0].tenants", scoped(|scope| scope.tenants = many("tenant-", 1_001))),
        ]).await;
        all_taken(gate, vec![
            scopes(100),
            scoped(|scope| scope.projects = side(1_000)),
            scoped(|scope| scope.projects = tagged(64)),
            scoped(|scope| scope.tenants = many("tenant-", 1_000)),
        ]).await;
    }

    async fn m5_approvers_and_the_minimum_have_their_limits(gate) {
        let minimum = |minimum| with(|policy| policy.minimum_approvals = minimum);
        let nobody = with(|policy| policy.approvers = None);
        all_refused(gate, "M5", vec![
            row("minimum_approvals", minimum(0)),
            row("minimum_approvals", minimum(100)),
            row("minimum_approvals", minimum(u32::MAX)),
            row("approvers", nobody),
            row("approvers", approvers(Vec::new(), Vec::new())),
        ]).await;
        all_refused(gate, "E1", vec![
            row("approvers", approvers(people(1_001), Vec::new())),
            row("approvers", approvers(people(1_000), many("team-", 1))),
            row("approvers.users[1].subject", users(&["alice", ""])),
            row("approvers.users[0].subject", users(&["a\u{0}"])),
            row("approvers.users[0].subject", users(&[&"x".repeat(201)])),
            row("approvers.teams[0]", approvers(Vec::new(), vec![String::new()])),
            row("approvers.teams[0]", approvers(Vec::new(), vec!["a\u{202e}".to_owned()])),
        ]).await;
        all_taken(gate, vec![minimum(1), minimum(99), approvers(people(1_000), Vec::new())]).await;
        let foreign = Person { issuer: "https://accounts.example".to_owned(), ..person("alice") };
        let foreign = row("approvers.users[0].issuer", approvers(vec![foreign], Vec::new()));
        all_refused(gate, "C3", vec![foreign]).await;
        let unknown = row("approvers.teams", approvers(Vec::new(), many("team-", 1)));
        all_refused(gate, "M1", vec![unknown]).await;
    }

    async fn e1_bad_masks_and_guards_are_refused(gate) {
        let admin = gate.admin();
        admin.policy_with(create(with(|_| {}))).await.granted();
        let entries = gate.entries().await;
        let update = |paths: &[&str], etag: &str| UpdatePolicyRequest {
            policy: Some(with(|policy| policy.minimum_approvals = 2)),
            update_mask: mask(paths),
            etag: etag.to_owned(),
            ..UpdatePolicyRequest::default()
        };
        let none = UpdatePolicyRequest { update_mask: None, ..update(&[], "") };
        admin.update_policy_with(none).await.bad_field("update_mask", "E1");
        for paths in [
            &[][..], &["id"], &["*"], &[""], &["revision"], &["etag"], &["approvers.users"],
            &["minimum_approvals", "unknown"], &["Minimum_approvals"], &["minimumApprovals"],
        ] {
            admin.update_policy_with(update(paths, "")).await.bad_field("update_mask", "E1");
        }
        let path = &["minimum_approvals"];
        let wrong = admin.update_policy_with(update(path, "wrong")).await;
        assert_eq!(wrong.refused("ETAG_MISMATCH", "D11").code, Code::Aborted);
        let long = "7".repeat(257);
        admin.update_policy_with(update(path, &long)).await.bad_field("etag", "E1");
        let missing = UpdatePolicyRequest { policy: None, ..update(path, "") };
        admin.update_policy_with(missing).await.bad_field("policy", "E1");
        let spoilt = with(|policy| policy.minimum_approvals = 100);
        let spoilt = UpdatePolicyRequest { policy: Some(spoilt), ..update(path, "") };
        admin.update_policy_with(spoilt).await.bad_field("policy.minimum_approvals", "M5");
        for request_id in bad_names() {
            let request = UpdatePolicyRequest { request_id, ..update(path, "") };
            admin.update_policy_with(request).await.bad_field("request_id", "E1");
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_unknown_policies_are_not_found(gate) {
        let (admin, entries) = (gate.admin(), gate.entries().await);
        admin.get_policy("absent").await.refused("NOT_FOUND", "E1");
        admin.get_policy("").await.bad_field("policy_id", "E1");
        admin.delete_policy("absent").await.refused("NOT_FOUND", "E1");
        admin.delete_policy("").await.bad_field("policy_id", "E1");
        let absent = PolicySpec::new("absent").users(&["alice"]);
        let refused = admin.update_policy(absent, &["name"]).await.refused("NOT_FOUND", "E1");
        assert_eq!((refused.fact("kind"), refused.fact("id")), ("policy", "absent"));
        assert_eq!(gate.entries().await, entries);
        admin.policy_with(create(with(|_| {}))).await.granted();
        let entries = gate.entries().await;
        let wrong = DeletePolicyRequest {
            policy_id: "prod".to_owned(),
            etag: "wrong".to_owned(),
            request_id: String::new(),
        };
        admin.delete_policy_with(wrong).await.refused("ETAG_MISMATCH", "D11");
        assert_eq!(gate.entries().await, entries);
    }
}

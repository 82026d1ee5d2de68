//! Each command on policies, for each row of the table.

use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::{
    CreatePolicyRequest, DeletePolicyRequest, ListPoliciesRequest, Scope, UpdatePolicyRequest,
};

use super::scopes::{Reach, rows, tokens};
use crate::gate::{Caller, Expect, Gate, PolicySpec, Setup, TokenSpec, mask};

fn admins() -> Vec<TokenSpec> {
    tokens("policy_admin")
}

fn policy(id: &str, scopes: &[Scope]) -> PolicySpec {
    let policy = PolicySpec::new(id).scopes(scopes.to_vec());
    policy.users(&["alice"])
}

fn creation(policy: PolicySpec, validate_only: bool) -> CreatePolicyRequest {
    CreatePolicyRequest {
        policy: Some(policy.build()),
        validate_only,
        ..CreatePolicyRequest::default()
    }
}

fn update(policy: PolicySpec, path: &str, validate_only: bool) -> UpdatePolicyRequest {
    UpdatePolicyRequest {
        policy: Some(policy.build()),
        update_mask: mask(&[path]),
        validate_only,
        ..UpdatePolicyRequest::default()
    }
}

/// Everything that can be done with one policy that has these scopes.
async fn cell(gate: &Gate, caller: &Caller, scopes: &[Scope], reach: Reach) {
    let root = gate.with_token("all-policy_admin");
    let before = gate.entries().await;
    let mine = || policy("mine", scopes);
    reach.making(caller.policy_with(creation(mine(), true)).await);
    assert_eq!(gate.entries().await, before);
    reach.making(caller.policy_with(creation(mine(), false)).await);
    if reach == Reach::Covers {
        caller.delete_policy("mine").await.granted();
    }
    root.policy(policy("theirs", scopes)).await.granted();
    let before = gate.entries().await;
    reach.showing(caller.get_policy("theirs").await);
    reach.showing(
        caller
            .schedule(Subject::PolicyId("theirs".to_owned()))
            .await,
    );
    let listed = caller
        .policies(ListPoliciesRequest::default())
        .await
        .granted();
    assert_eq!(!listed.policies.is_empty(), reach.shows(), "{listed:?}");
    let other = || policy("theirs", scopes).with(|it| it.description = "Other.".to_owned());
    reach.changing(
        caller
            .update_policy_with(update(other(), "description", true))
            .await,
    );
    // Whoever does not see it does not learn either that another etag is current.
    let wrong = UpdatePolicyRequest {
        etag: "wrong".to_owned(),
        ..update(other(), "description", false)
    };
    let wrong = caller.update_policy_with(wrong).await.unwrap_err();
    assert_eq!(
        wrong.reason == "ETAG_MISMATCH",
        reach == Reach::Covers,
        "{wrong:?}"
    );
    let wrong = DeletePolicyRequest {
        policy_id: "theirs".to_owned(),
        etag: "wrong".to_owned(),
        ..DeletePolicyRequest::default()
    };
    let wrong = caller.delete_policy_with(wrong).await.unwrap_err();
    assert_eq!(
        wrong.reason == "ETAG_MISMATCH",
        reach == Reach::Covers,
        "{wrong:?}"
    );
    assert_eq!(gate.entries().await, before);
    reach.changing(
        caller
            .update_policy_with(update(other(), "description", false))
            .await,
    );
    reach.changing(caller.delete_policy("theirs").await);
    if reach != Reach::Covers {
        assert_eq!(gate.entries().await, before);
        root.delete_policy("theirs").await.granted();
    }
}

on_both_stores! { with Setup::with_tokens(admins);
    async fn e1_each_grant_changes_policies_whose_scopes_it_covers(gate) {
        for row in rows() {
            for (grant, reach) in row.cells() {
                println!("{} by {grant}: {reach:?}", row.about);
                let caller = gate.with_token(&format!("{grant}-policy_admin"));
                cell(gate, &caller, &row.scopes, reach).await;
            }
        }
    }

    async fn e1_a_policy_is_moved_neither_out_of_a_grant_nor_into_one(gate) {
        let rows = rows();
        let of = |about: &str| {
            let row = rows.iter().find(|row| row.about == about);
            row.unwrap().scopes.clone()
        };
        let web = gate.with_token("web-policy_admin");
        let root = gate.with_token("all-policy_admin");
        root.policy(policy("prod", &of("web"))).await.granted();
        let before = gate.entries().await;
        for about in ["everything", "api", "web, and api", "tagged projects", "production"] {
            for validate_only in [true, false] {
                let moved = update(policy("prod", &of(about)), "scopes", validate_only);
                let refused = web.update_policy_with(moved).await;
                refused.refused("OUTSIDE_GRANT", "E1");
            }
        }
        assert_eq!(gate.entries().await, before);
        let narrowed = update(policy("prod", &of("web in production")), "scopes", false);
        web.update_policy_with(narrowed).await.granted();
        root.update_policy(policy("prod", &of("web, and api")), &["scopes"]).await.granted();
        let before = gate.entries().await;
        // Part of it lies outside by now: nobody takes it over by naming other scopes.
        let taken = update(policy("prod", &of("web")), "scopes", false);
        web.update_policy_with(taken).await.refused("OUTSIDE_GRANT", "E1");
        root.update_policy(policy("prod", &of("api")), &["scopes"]).await.granted();
        let taken = update(policy("prod", &of("web")), "scopes", false);
        web.update_policy_with(taken).await.refused("NOT_FOUND", "E1");
        assert_eq!(gate.entries().await, before + 1);
    }
}

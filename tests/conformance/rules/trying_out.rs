//! M1, W3, E1: a policy that is only tried out: all is said of it as if it were saved, by the same
//! rules, and nothing is changed.

use countersign_proto::v1::{
    CreatePolicyRequest, Policy, UpdatePolicyRequest, Warning, WarningKind,
};

use crate::gate::{Caller, Expect, Gate, PolicySpec, Refused, deployment, hourly, lasting, mask};

fn create(policy: PolicySpec, validate_only: bool) -> CreatePolicyRequest {
    CreatePolicyRequest {
        policy: Some(policy.build()),
        validate_only,
        ..CreatePolicyRequest::default()
    }
}

fn update(policy: PolicySpec, paths: &[&str], validate_only: bool) -> UpdatePolicyRequest {
    UpdatePolicyRequest {
        policy: Some(policy.build()),
        update_mask: mask(paths),
        validate_only,
        ..UpdatePolicyRequest::default()
    }
}

fn alice(id: &str) -> PolicySpec {
    PolicySpec::new(id).users(&["alice"])
}

fn kinds(warnings: &[Warning]) -> Vec<WarningKind> {
    warnings.iter().map(Warning::kind).collect()
}

/// Both calls are refused alike, in every word.
fn alike(tried: Refused, real: Refused) -> Refused {
    assert_eq!(
        (tried.code, &tried.reason, &tried.rule),
        (real.code, &real.reason, &real.rule)
    );
    assert_eq!(
        (&tried.message, &tried.metadata),
        (&real.message, &real.metadata)
    );
    tried
}

async fn creations(caller: &Caller, policy: PolicySpec) -> Refused {
    let tried = caller
        .policy_with(create(policy.clone(), true))
        .await
        .unwrap_err();
    alike(
        tried,
        caller.policy_with(create(policy, false)).await.unwrap_err(),
    )
}

async fn updates(caller: &Caller, policy: PolicySpec, paths: &[&str], etag: &str) -> Refused {
    let request = |only| UpdatePolicyRequest {
        etag: etag.to_owned(),
        ..update(policy.clone(), paths, only)
    };
    let tried = caller.update_policy_with(request(true)).await.unwrap_err();
    alike(
        tried,
        caller.update_policy_with(request(false)).await.unwrap_err(),
    )
}

/// The policy as everybody sees it.
async fn kept(gate: &Gate, id: &str) -> Policy {
    gate.as_("bob").get_policy(id).await.granted()
}

on_both_stores! {
    async fn m1_a_new_policy_that_is_tried_out_is_answered_and_not_kept(gate) {
        let (admin, auditor) = (gate.admin(), gate.as_("auditor:audit"));
        admin.policy(alice("on-the-hour").recurring(hourly())).await.granted();
        let head = auditor.head().await.granted();
        let half = || alice("half-past").minimum(2).recurring(lasting("30 * * * *", "UTC", 10));
        let tried = admin.policy_with(create(half(), true)).await.granted();
        let policy = tried.policy.as_ref().unwrap();
        assert_eq!((policy.id.as_str(), policy.revision), ("half-past", 1));
        assert_eq!((policy.created_at, policy.windows.len()), (gate.at(0), 1));
        assert!(kinds(&tried.warnings).contains(&WarningKind::WindowsNeverMeet), "{tried:?}");
        // Nothing was written, nobody finds it, and no task falls under it.
        assert_eq!(auditor.head().await.granted(), head);
        admin.get_policy("half-past").await.refused("NOT_FOUND", "E1");
        let cr = gate.orchestrator().preview(deployment("t1")).await.granted();
        assert_eq!(cr.change_request.unwrap().resultant_policy.unwrap().policies.len(), 1);
        // Whoever saves it then is answered the very same.
        assert_eq!(admin.policy_with(create(half(), false)).await.granted(), tried);
    }

    async fn m1_a_change_that_is_tried_out_is_answered_and_not_made(gate) {
        let (admin, auditor) = (gate.admin(), gate.as_("auditor:audit"));
        admin.policy(alice("prod")).await.granted();
        gate.waiting(deployment("t1")).await;
        let before = kept(gate, "prod").await;
        let head = auditor.head().await.granted();
        // Nobody could approve twice, and one of the windows is past.
        let next = || alice("prod").minimum(2).once(gate.at(-120), gate.at(-60))
            .recurring(hourly());
        let paths: &[&str] = &["minimum_approvals", "windows"];
        let tried = admin.update_policy_with(update(next(), paths, true)).await.granted();
        let policy = tried.policy.as_ref().unwrap();
        assert_eq!((policy.revision, policy.minimum_approvals, policy.windows.len()), (2, 2, 2));
        assert_ne!(policy.etag, before.etag);
        assert_eq!(tried.open_change_requests, 1);
        assert!(kinds(&tried.warnings).contains(&WarningKind::WindowPast), "{tried:?}");
        assert_eq!(auditor.head().await.granted(), head);
        assert_eq!(kept(gate, "prod").await, before);
        assert_eq!(admin.update_policy_with(update(next(), paths, false)).await.granted(), tried);
        // What is so already stays as it is.
        let same = admin.update_policy_with(update(next(), paths, true)).await.granted();
        assert_eq!(same.policy, Some(kept(gate, "prod").await));
    }

    async fn e1_what_is_tried_out_is_refused_as_the_real_call_is(gate) {
        let admin = gate.admin();
        let first = admin.policy(alice("prod")).await.granted().policy.unwrap();
        admin.update_policy(alice("prod").block_creator(), &["block_creator"]).await.granted();
        let entries = gate.entries().await;
        let taken = creations(&admin, alice("prod")).await;
        assert_eq!(taken.reason, "POLICY_ID_TAKEN");
        let never = lasting("0 0 30 2 *", "UTC", 60);
        let fields = [
            ("policy.minimum_approvals", alice("new").minimum(101)),
            ("policy.windows", alice("new").once(gate.at(-120), gate.at(0))),
            ("policy.windows[0].recurring", alice("new").recurring(never)),
            ("policy.scopes", alice("new").scopes(Vec::new())),
            ("policy.id", alice("")),
        ];
        for (field, policy) in fields {
            assert_eq!(creations(&admin, policy).await.fact("field"), field);
        }
        let unknown = creations(&admin, PolicySpec::new("new").teams(&["nobody"])).await;
        assert_ne!(unknown.reason, "");
        let minimum: &[&str] = &["minimum_approvals"];
        let absent = updates(&admin, alice("absent"), minimum, "").await;
        assert_eq!(absent.reason, "NOT_FOUND");
        let stale = updates(&admin, alice("prod").minimum(2), minimum, &first.etag).await;
        assert_eq!(stale.reason, "ETAG_MISMATCH");
        let mask = updates(&admin, alice("prod"), &["revision"], "").await;
        assert_eq!(mask.fact("field"), "update_mask");
        // Who may not save may not try out either.
        for caller in [gate.as_("bob"), gate.as_("operator:op")] {
            let created = creations(&caller, alice("new")).await;
            let updated = updates(&caller, alice("prod").minimum(2), minimum, "").await;
            assert_eq!((created.reason, updated.code), ("ROLE_REQUIRED".to_owned(), created.code));
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_what_is_tried_out_uses_up_no_request_id(gate) {
        let (admin, entries) = (gate.admin(), gate.entries().await);
        let with_id = |policy: PolicySpec, validate_only| CreatePolicyRequest {
            request_id: "r1".to_owned(),
            ..create(policy, validate_only)
        };
        for users in [["alice"], ["bob"]] {
            let policy = PolicySpec::new("prod").users(&users);
            admin.policy_with(with_id(policy, true)).await.granted();
        }
        let made = admin.policy_with(with_id(alice("prod"), false)).await.granted();
        assert_eq!(admin.policy_with(with_id(alice("prod"), false)).await.granted(), made);
        assert_eq!(gate.entries().await, entries + 1);
    }
}

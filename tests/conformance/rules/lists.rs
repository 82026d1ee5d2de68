//! C7, T3: lists of change requests, and what waits for whom.

use countersign_proto::v1::{
    ChangeRequestView, ListChangeRequestsRequest, ListChangeRequestsResponse, TaskSpec,
};

use crate::gate::{Caller, Expect, Gate, PolicySpec, Setup, TokenSpec, deployment, team};

type Conditions = ListChangeRequestsRequest;

fn ids(page: &ListChangeRequestsResponse) -> Vec<&str> {
    page.change_requests
        .iter()
        .map(|cr| cr.id.as_str())
        .collect()
}

/// What a list with these conditions holds, newest first.
async fn listed(caller: &Caller, conditions: Conditions) -> Vec<String> {
    let page = caller.list(conditions).await.granted();
    assert_eq!(page.next_page_token, "");
    ids(&page).into_iter().map(str::to_owned).collect()
}

async fn waiting(caller: &Caller) -> Vec<String> {
    listed(
        caller,
        Conditions {
            waiting_for_me: true,
            ..Conditions::default()
        },
    )
    .await
}

/// CR-1 is approved, CR-2 rejected, CR-3 pending, CR-4 needs nobody, CR-5 is pending.
async fn five(gate: &Gate) {
    let policy = PolicySpec::new("prod")
        .users(&["alice"])
        .only(&["*"], &["production"]);
    gate.admin().policy(policy).await.granted();
    for (id, project, environment, release) in [
        ("t1", "web", "production", "1.0"),
        ("t2", "web", "production", "1.1"),
        ("t3", "api", "production", "1.0"),
        ("t4", "web", "staging", "1.1"),
        ("t5", "web", "production", ""),
    ] {
        let task = TaskSpec {
            project: project.to_owned(),
            environment: environment.to_owned(),
            release: release.to_owned(),
            ..deployment(id)
        };
        gate.orchestrator().create(task).await.granted();
    }
    gate.as_("alice").approve("t1").await.granted();
    gate.as_("alice").reject("t2").await.granted();
}

fn claims() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("ci", &["orchestrator"]),
        TokenSpec::person("admin", "root").roles(&["policy_admin"]),
        TokenSpec::person("alice", "alice").claims(&["claimed", "kept"]),
        TokenSpec::person("bob", "bob"),
        TokenSpec::person("bob-of-api", "bob").projects(&["api"]),
    ]
}

on_both_stores! {
    async fn c7_what_no_policy_asks_approval_for_can_be_left_out(gate) {
        five(gate).await;
        let alice = gate.as_("alice");
        let free = alice.change_request("t4").await.granted();
        assert!(!free.approval_required);
        let all = Conditions::default();
        assert_eq!(listed(&alice, all).await, ["CR-5", "CR-4", "CR-3", "CR-2", "CR-1"]);
        let some = Conditions { approval_required_only: true, ..Conditions::default() };
        assert_eq!(listed(&alice, some).await, ["CR-5", "CR-3", "CR-2", "CR-1"]);
    }

    async fn t3_what_needs_approval_is_pending_and_the_rest_is_completed(gate) {
        five(gate).await;
        let auditor = gate.as_("auditor:audit");
        for (view, expected) in [
            (ChangeRequestView::NeedsApproval, &["CR-5", "CR-3"][..]),
            (ChangeRequestView::Completed, &["CR-4", "CR-2", "CR-1"]),
            (ChangeRequestView::All, &["CR-5", "CR-4", "CR-3", "CR-2", "CR-1"]),
            (ChangeRequestView::Unspecified, &["CR-5", "CR-4", "CR-3", "CR-2", "CR-1"]),
        ] {
            let conditions = Conditions { view: view.into(), ..Conditions::default() };
            assert_eq!(listed(&auditor, conditions).await, expected, "{view:?}");
        }
        let unknown = Conditions { view: 99, ..Conditions::default() };
        auditor.list(unknown).await.refused("INVALID_FIELD", "E1");
    }

    async fn t3_all_conditions_of_a_list_must_hold(gate) {
        five(gate).await;
        let of = |project: &str, environment: &str, release: &str, task_id: &str| Conditions {
            project: project.to_owned(),
            environment: environment.to_owned(),
            release: release.to_owned(),
            task_id: task_id.to_owned(),
            ..Conditions::default()
        };
        for (conditions, expected) in [
            (of("web", "", "", ""), &["CR-5", "CR-4", "CR-2", "CR-1"][..]),
            (of("api", "", "", ""), &["CR-3"]),
            (of("", "production", "", ""), &["CR-5", "CR-3", "CR-2", "CR-1"]),
            (of("", "", "1.0", ""), &["CR-3", "CR-1"]),
            (of("", "", "", "t2"), &["CR-2"]),
            (of("web", "production", "1.1", ""), &["CR-2"]),
            (of("web", "production", "1.0", "t1"), &["CR-1"]),
            (of("api", "", "", "t1"), &[]),
            (of("we", "", "", ""), &[]),
            (of("", "", "1", ""), &[]),
            (of("", "", "", "t9"), &[]),
        ] {
            let found = listed(&gate.as_("bob"), conditions.clone()).await;
            assert_eq!(found, expected, "{conditions:?}");
        }
        let mut pending = of("web", "", "", "");
        pending.view = ChangeRequestView::NeedsApproval.into();
        assert_eq!(listed(&gate.as_("bob"), pending).await, ["CR-5"]);
        let bad = gate.as_("bob").list(of("a\u{0}b", "", "", "")).await;
        bad.refused("INVALID_FIELD", "E1");
    }

    async fn d1_what_waits_for_me_is_what_i_could_approve_now(gate) {
        let admin = gate.admin();
        admin.team(team("ops", &["bob", "carol"])).await.granted();
        let policy = PolicySpec::new("prod").users(&["alice"]).teams(&["ops"]).minimum(2);
        admin.policy(policy.block_creator()).await.granted();
        let orchestrator = gate.orchestrator();
        for id in ["t1", "t2", "t3"] {
            orchestrator.create(deployment(id)).await.granted();
        }
        let mut by_bob = deployment("t4");
        by_bob.creator.as_mut().unwrap().person.as_mut().unwrap().subject = "bob".to_owned();
        orchestrator.create(by_bob).await.granted();
        let (alice, bob, carol) = (gate.as_("alice"), gate.as_("bob"), gate.as_("carol"));
        assert_eq!(waiting(&alice).await, ["CR-4", "CR-3", "CR-2", "CR-1"]);
        assert_eq!(waiting(&bob).await, ["CR-3", "CR-2", "CR-1"]);
        assert_eq!(waiting(&carol).await, ["CR-4"]);
        for nobody in ["mallory", "Alice", "orchestrator:ops", "runner:bob"] {
            assert!(waiting(&gate.as_(nobody)).await.is_empty(), "{nobody}");
        }
        alice.approve("t1").await.granted();
        alice.reject("t2").await.granted();
        assert_eq!(waiting(&alice).await, ["CR-4", "CR-3"]);
        assert_eq!(waiting(&bob).await, ["CR-3", "CR-1"]);
        bob.approve("t1").await.granted();
        assert_eq!(waiting(&bob).await, ["CR-3"]);
        alice.revoke("t1").await.granted();
        assert_eq!(waiting(&alice).await, ["CR-4", "CR-3", "CR-1"]);
        admin.members(team("ops", &["dora"])).await.granted();
        assert!(waiting(&bob).await.is_empty());
        assert_eq!(waiting(&gate.as_("dora")).await, ["CR-4", "CR-3", "CR-1"]);
    }

    async fn t3_a_list_goes_on_page_by_page(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        for n in 1..=7 {
            orchestrator.create(deployment(&format!("t{n}"))).await.granted();
        }
        let mut conditions = Conditions { page_size: 3, ..Conditions::default() };
        let mut pages = Vec::new();
        loop {
            let page = orchestrator.list(conditions.clone()).await.granted();
            pages.push(page.change_requests.len());
            let from = 7 - 3 * (pages.len() - 1);
            let expected: Vec<_> = (1..=from).rev().take(3).map(|n| format!("CR-{n}")).collect();
            assert_eq!(ids(&page), expected);
            // What is new stands before the first page and shifts nothing.
            let id = format!("new-{from}");
            orchestrator.create(deployment(&id)).await.granted();
            if page.next_page_token.is_empty() {
                break;
            }
            conditions.page_token = page.next_page_token;
        }
        assert_eq!(pages, [3, 3, 1]);
    }

    async fn t3_pages_of_what_waits_for_me_leave_nothing_out(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        let alice = gate.as_("alice");
        for n in 1..=9 {
            let cr = gate.orchestrator().opened(deployment(&format!("t{n}"))).await;
            if n % 3 != 0 {
                alice.approve(&cr.id).await.granted();
            }
        }
        let mut conditions =
            Conditions { waiting_for_me: true, page_size: 2, ..Conditions::default() };
        let first = alice.list(conditions.clone()).await.granted();
        assert_eq!(ids(&first), ["CR-9", "CR-6"]);
        conditions.page_token = first.next_page_token;
        let last = alice.list(conditions).await.granted();
        assert_eq!((ids(&last), last.next_page_token.as_str()), (vec!["CR-3"], ""));
    }

    async fn e1_a_page_token_continues_only_its_own_list(gate) {
        five(gate).await;
        let alice = gate.as_("alice");
        let web = Conditions { project: "web".to_owned(), page_size: 1, ..Conditions::default() };
        let token = alice.list(web.clone()).await.granted().next_page_token;
        let next = Conditions { page_token: token.clone(), ..web.clone() };
        assert_eq!(ids(&alice.list(next.clone()).await.granted()), ["CR-4"]);
        let larger = Conditions { page_size: 2, ..next.clone() };
        assert_eq!(ids(&alice.list(larger).await.granted()), ["CR-4", "CR-2"]);
        for other in [
            Conditions { project: "api".to_owned(), ..next.clone() },
            Conditions { project: String::new(), ..next.clone() },
            Conditions { release: "1.1".to_owned(), ..next.clone() },
            Conditions { waiting_for_me: true, ..next.clone() },
            Conditions { approval_required_only: true, ..next.clone() },
            Conditions { view: ChangeRequestView::Completed.into(), ..next.clone() },
            Conditions { page_token: "nonsense".to_owned(), ..next.clone() },
            Conditions { page_token: token[1..].to_owned(), ..next.clone() },
        ] {
            let refused = alice.list(other).await.refused("INVALID_FIELD", "E1");
            assert_eq!(refused.metadata["field"], "page_token");
        }
        let huge = Conditions { page_size: 201, ..web };
        let refused = alice.list(huge).await.refused("INVALID_FIELD", "E1");
        assert_eq!(refused.metadata["field"], "page_size");
    }
}

on_both_stores! { with Setup::with_tokens(claims);
    async fn d10_a_claimed_team_is_who_claims_it_and_a_kept_one_is_not(gate) {
        let admin = gate.with_token("admin");
        let mut claimed = team("claimed", &[]);
        claimed.claimed = true;
        admin.team(claimed).await.granted();
        admin.team(team("kept", &["bob"])).await.granted();
        let by_claim = PolicySpec::new("claim").teams(&["claimed"]).only(&["web"], &["*"]);
        admin.policy(by_claim).await.granted();
        let by_list = PolicySpec::new("list").teams(&["kept"]).only(&["api"], &["*"]);
        admin.policy(by_list).await.granted();
        let ci = gate.with_token("ci");
        ci.create(deployment("t1")).await.granted();
        let api = TaskSpec { project: "api".to_owned(), ..deployment("t2") };
        ci.create(api).await.granted();
        let (alice, bob) = (gate.with_token("alice"), gate.with_token("bob"));
        assert_eq!(waiting(&alice).await, ["CR-1"]);
        assert_eq!(waiting(&bob).await, ["CR-2"]);
        alice.approve("t2").await.refused("NOT_AN_APPROVER", "D1");
        bob.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let approved = alice.approve("t1").await.granted();
        assert_eq!(approved.decisions[0].eligible_through, ["claimed"]);
        bob.approve("t2").await.granted();
    }

    async fn e1_a_list_holds_what_the_grant_covers(gate) {
        let ci = gate.with_token("ci");
        ci.create(deployment("t1")).await.granted();
        let api = TaskSpec { project: "api".to_owned(), ..deployment("t2") };
        ci.create(api).await.granted();
        let all = Conditions::default;
        assert_eq!(listed(&gate.with_token("bob"), all()).await, ["CR-2", "CR-1"]);
        assert_eq!(listed(&gate.with_token("bob-of-api"), all()).await, ["CR-2"]);
        let by_task = Conditions { task_id: "t1".to_owned(), ..all() };
        assert!(listed(&gate.with_token("bob-of-api"), by_task).await.is_empty());
    }
}

//! Lists, previews and warnings show nothing that lies outside a grant.

use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::{ListFreezesRequest, ListPoliciesRequest, TaskSpec};

use crate::gate::{
    Caller, Expect, FreezeSpec, PolicySpec, Setup, TokenSpec, deployment, hourly, lasting,
};

/// People with every role that is limited by its grant, each of one project.
fn of_projects() -> Vec<TokenSpec> {
    let limited = |id: &str, project: &str| {
        TokenSpec::person(id, id)
            .roles(&["policy_admin", "operator", "auditor"])
            .projects(&[project])
    };
    vec![
        limited("wanda", "web"),
        limited("anna", "api"),
        limited("nobody", "shop"),
        TokenSpec::person("alice", "alice").projects(&["web"]),
        TokenSpec::person("root", "root").roles(&["policy_admin", "operator"]),
        TokenSpec::person("root-of-api", "root")
            .roles(&["policy_admin"])
            .projects(&["api"]),
        TokenSpec::service("ci", &["orchestrator"]),
    ]
}

async fn policies(caller: &Caller, page_size: u32) -> Vec<String> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPoliciesRequest {
            page_size,
            page_token,
        };
        let page = caller.policies(request).await.granted();
        all.extend(page.policies.into_iter().map(|policy| policy.id));
        if page.next_page_token.is_empty() {
            return all;
        }
        page_token = page.next_page_token;
    }
}

async fn freezes(caller: &Caller, request: ListFreezesRequest) -> Vec<String> {
    let found = caller.list_freezes(request).await.granted();
    assert_eq!(found.next_page_token, "");
    found.freezes.into_iter().map(|freeze| freeze.id).collect()
}

on_both_stores! { with Setup::with_tokens(of_projects);
    async fn e1_lists_of_policies_show_what_the_grant_touches(gate) {
        let root = gate.with_token("root");
        for number in 0..4 {
            for project in ["api", "web"] {
                let policy = PolicySpec::new(&format!("{project}-{number}"));
                let policy = policy.only(&[project], &["*"]).users(&["alice"]);
                root.policy(policy).await.granted();
            }
        }
        root.policy(PolicySpec::new("m-all").users(&["alice"])).await.granted();
        let of_web = ["m-all", "web-0", "web-1", "web-2", "web-3"];
        for page_size in [1, 2, 3, 0] {
            // A page is full, whatever lies between what is on it.
            assert_eq!(policies(&gate.with_token("wanda"), page_size).await, of_web);
            assert_eq!(policies(&gate.with_token("alice"), page_size).await, of_web);
            assert_eq!(policies(&gate.with_token("nobody"), page_size).await, ["m-all"]);
            assert_eq!(policies(&root, page_size).await.len(), 9);
        }
    }

    async fn e1_lists_of_freezes_show_what_the_grant_touches(gate) {
        let root = gate.with_token("root");
        for project in ["api", "web"] {
            root.freeze(FreezeSpec::new(project).only(&[project], &["*"])).await.granted();
        }
        let later = FreezeSpec::new("later").only(&["api", "web"], &["production"]);
        root.freeze(later.between(gate.at(60), gate.at(120))).await.granted();
        let any = ListFreezesRequest::default;
        let rows = [
            ("wanda", any(), vec!["later", "web"]),
            ("anna", any(), vec!["api", "later"]),
            ("nobody", any(), vec![]),
            ("wanda", ListFreezesRequest { in_force: true, ..any() }, vec!["web"]),
            ("wanda", ListFreezesRequest { project: "api".to_owned(), ..any() }, vec!["later"]),
            ("root", ListFreezesRequest { project: "api".to_owned(), ..any() },
                vec!["api", "later"]),
        ];
        for (caller, request, expected) in rows {
            assert_eq!(freezes(&gate.with_token(caller), request).await, expected, "{caller}");
        }
    }

    async fn e1_schedules_of_what_lies_outside_are_not_found(gate) {
        let root = gate.with_token("root");
        let policy = PolicySpec::new("p").only(&["web"], &["*"]).users(&["alice"]);
        root.policy(policy).await.granted();
        root.freeze(FreezeSpec::new("f").only(&["web"], &["*"])).await.granted();
        gate.with_token("ci").create(deployment("t")).await.granted();
        let subjects = |suffix: &str| [
            Subject::PolicyId(format!("p{suffix}")),
            Subject::FreezeId(format!("f{suffix}")),
            Subject::TaskId(format!("t{suffix}")),
        ];
        let anna = gate.with_token("anna");
        for (there, absent) in subjects("").into_iter().zip(subjects("x")) {
            gate.with_token("wanda").schedule(there.clone()).await.granted();
            let found = anna.schedule(there).await.refused("NOT_FOUND", "E1");
            let none = anna.schedule(absent).await.refused("NOT_FOUND", "E1");
            let id = none.fact("id");
            let other = format!("{:?}", found.fact("id"));
            let same = found.message.replace(&other, &format!("{id:?}"));
            assert_eq!(same, none.message);
        }
    }

    async fn e1_warnings_name_nothing_that_lies_outside(gate) {
        let root = gate.with_token("root");
        // A policy of both projects, whose windows a freeze of `api` alone seems to hold for ever.
        let policy = PolicySpec::new("both").only(&["api", "web"], &["*"]).users(&["alice"]);
        root.policy(policy.recurring(hourly())).await.granted();
        let of_api = FreezeSpec::new("plans-of-api").only(&["api"], &["*"]);
        root.freeze(of_api.recurring(hourly())).await.granted();
        let of_web = FreezeSpec::new("of-web").only(&["web"], &["*"]);
        let daily = lasting("0 0 * * *", "UTC", 1);
        let of_web = of_web.recurring(daily.clone());
        let wanda = gate.with_token("wanda");
        for answer in [
            wanda.preview_freeze(of_web.clone()).await.granted(),
            wanda.freeze(of_web).await.granted(),
        ] {
            assert!(!format!("{:?}", answer.warnings).contains("plans-of-api"), "{answer:?}");
        }
        // Whoever sees all is told of it.
        let again = FreezeSpec::new("again").only(&["web"], &["*"]);
        let told = root.preview_freeze(again.recurring(daily)).await.granted();
        assert!(format!("{:?}", told.warnings).contains("plans-of-api"), "{told:?}");
    }

    async fn e1_a_freeze_counts_tasks_of_the_grant_only(gate) {
        let task = |id: &str, project: &str| TaskSpec {
            project: project.to_owned(),
            ..deployment(id)
        };
        gate.with_token("ci").create(task("t1", "web")).await.granted();
        gate.with_token("ci").create(task("t2", "api")).await.granted();
        let freeze = FreezeSpec::new("f").only(&["web"], &["*"]);
        let impact = gate.with_token("wanda").freeze(freeze).await.granted().impact.unwrap();
        assert_eq!((impact.waiting + impact.cleared, impact.tasks.len()), (1, 1));
        assert_eq!(impact.tasks[0].task_id, "t1");
    }

    async fn e1_a_request_id_opens_no_policy_that_the_grant_does_not_cover(gate) {
        let request = countersign_proto::v1::CreatePolicyRequest {
            policy: Some(PolicySpec::new("p").only(&["web"], &["*"]).users(&["alice"]).build()),
            request_id: "r1".to_owned(),
            ..countersign_proto::v1::CreatePolicyRequest::default()
        };
        gate.with_token("root").policy_with(request.clone()).await.granted();
        let other = gate.with_token("root-of-api").policy_with(request).await;
        other.refused("OUTSIDE_GRANT", "E1");
    }
}

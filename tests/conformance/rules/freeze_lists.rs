//! F1, E1: which freezes are listed: those in force, those that could hold a task of a project and
//! an environment; page by page.

use countersign_proto::v1::{FreezeState, ListFreezesRequest, Scope};

use crate::gate::{Caller, Expect, FreezeSpec, Gate, hourly, ids, tags};

/// The ids of all freezes on which these conditions hold, however they are cut into pages.
async fn listed(caller: &Caller, conditions: ListFreezesRequest) -> Vec<String> {
    let whole = pages(caller, conditions.clone(), 200).await;
    for page_size in [1, 2] {
        assert_eq!(
            pages(caller, conditions.clone(), page_size).await,
            whole,
            "{conditions:?}"
        );
    }
    whole
}

async fn pages(caller: &Caller, conditions: ListFreezesRequest, page_size: u32) -> Vec<String> {
    let mut request = ListFreezesRequest {
        page_size,
        ..conditions
    };
    let mut found = Vec::new();
    loop {
        let page = caller.list_freezes(request.clone()).await.granted();
        assert!(page.freezes.len() <= page_size as usize);
        found.extend(page.freezes.into_iter().map(|it| it.id));
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

fn in_force() -> ListFreezesRequest {
    ListFreezesRequest {
        in_force: true,
        ..ListFreezesRequest::default()
    }
}

fn of(project: &str, environment: &str) -> ListFreezesRequest {
    ListFreezesRequest {
        project: project.to_owned(),
        environment: environment.to_owned(),
        ..ListFreezesRequest::default()
    }
}

/// A freeze with one more scope, on projects with a tag.
fn tagged(id: &str) -> FreezeSpec {
    FreezeSpec::new(id).with(|it| {
        it.scopes = vec![Scope {
            projects: tags(&["tier/critical"]),
            environments: ids(&["production"]),
            ..Scope::default()
        }];
    })
}

/// Freezes that are in force, to come, over, lifted and deleted.
async fn in_each_state(gate: &Gate) {
    let admin = gate.admin();
    for (id, spec) in [
        ("a-halt", FreezeSpec::new("a-halt")),
        (
            "b-over",
            FreezeSpec::new("b-over").between(None, gate.at(60)),
        ),
        (
            "c-to-come",
            FreezeSpec::new("c-to-come").between(gate.at(3_600), None),
        ),
        ("d-hourly", FreezeSpec::new("d-hourly").recurring(hourly())),
        ("e-lifted", FreezeSpec::new("e-lifted")),
        ("f-gone", FreezeSpec::new("f-gone")),
    ] {
        assert_eq!(admin.freeze(spec).await.granted().freeze.unwrap().id, id);
    }
    admin.lift("e-lifted").await.granted();
}

on_both_stores! {
    async fn f1_those_in_force_are_listed_by_the_instant_at_which_it_is_asked(gate) {
        in_each_state(gate).await;
        let bob = gate.as_("bob");
        assert_eq!(listed(&bob, in_force()).await, ["a-halt", "b-over", "d-hourly", "f-gone"]);
        // What is deleted is gone at once, whether or not it was swept.
        gate.admin().delete_freeze("f-gone").await.granted();
        assert_eq!(listed(&bob, in_force()).await, ["a-halt", "b-over", "d-hourly"]);
        gate.advance(60);
        assert_eq!(listed(&bob, in_force()).await, ["a-halt", "d-hourly"]);
        gate.advance(540);
        assert_eq!(listed(&bob, in_force()).await, ["a-halt"]);
        gate.advance(3_000);
        assert_eq!(listed(&bob, in_force()).await, ["a-halt", "c-to-come", "d-hourly"]);
        let found = bob.list_freezes(in_force()).await.granted().freezes;
        assert!(found.iter().all(|it| it.state() == FreezeState::InForce), "{found:?}");
        let all = listed(&bob, ListFreezesRequest::default()).await;
        assert_eq!(all, ["a-halt", "b-over", "c-to-come", "d-hourly", "e-lifted"]);
    }

    async fn f1_those_that_could_hold_a_task_are_listed_by_its_project_and_environment(gate) {
        let admin = gate.admin();
        let api = Scope {
            projects: ids(&["api"]),
            environments: ids(&["staging", "test"]),
            kinds: vec![1],
            tenants: vec!["acme".to_owned()],
        };
        let two = FreezeSpec::new("two").only(&["web"], &["production"]);
        for spec in [
            FreezeSpec::new("all"),
            FreezeSpec::new("production").only(&["*"], &["production"]),
            tagged("tagged"),
            two.with(|it| it.scopes.push(api)),
            FreezeSpec::new("web").only(&["web", "shop"], &["*"]).between(gate.at(60), None),
        ] {
            admin.freeze(spec).await.granted();
        }
        let bob = gate.as_("bob");
        let rows: [(&str, &str, &[&str]); 7] = [
            ("", "", &["all", "production", "tagged", "two", "web"]),
            ("web", "", &["all", "production", "tagged", "two", "web"]),
            ("api", "", &["all", "production", "tagged", "two"]),
            // One scope has to hold for both: no scope of "two" is on `api` in production.
            ("api", "production", &["all", "production", "tagged"]),
            ("api", "test", &["all", "two"]),
            ("", "test", &["all", "two", "web"]),
            // Of what nobody has named, and in other spelling.
            ("WEB", "Production", &["all"]),
        ];
        for (project, environment, expected) in rows {
            let found = listed(&bob, of(project, environment)).await;
            assert_eq!(found, expected, "{project} {environment}");
        }
        let both = ListFreezesRequest { in_force: true, ..of("web", "production") };
        assert_eq!(listed(&bob, both).await, ["all", "production", "tagged", "two"]);
    }

    async fn e1_a_page_goes_on_under_its_own_conditions_only(gate) {
        in_each_state(gate).await;
        let bob = gate.as_("bob");
        let first = ListFreezesRequest { page_size: 1, ..in_force() };
        let page_token = bob.list_freezes(first.clone()).await.granted().next_page_token;
        let next = |conditions| ListFreezesRequest {
            page_size: 1,
            page_token: page_token.clone(),
            ..conditions
        };
        for other in [ListFreezesRequest::default(), of("web", ""), of("", "production")] {
            bob.list_freezes(next(other)).await.bad_field("page_token", "E1");
        }
        // What ends meanwhile is left out of the pages to come.
        gate.advance(60);
        let second = bob.list_freezes(next(in_force())).await.granted();
        assert_eq!(second.freezes[0].id, "d-hourly");
        let long = "x".repeat(201);
        bob.list_freezes(of(&long, "")).await.bad_field("project", "E1");
        bob.list_freezes(of("", &long)).await.bad_field("environment", "E1");
        bob.list_freezes(of("a\u{0}", "")).await.bad_field("project", "E1");
    }
}

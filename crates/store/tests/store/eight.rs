//! Eight tasks to search among; the number of the change request of each is its place.
//!
//! | | project | environment | release | runner | state |
//! |---|---|---|---|---|---|
//! | a1 | web | production | 1.0 | pool | pending |
//! | a2 | web | production | 1.1 | other | approved, cleared |
//! | a3 | api | production | 1.0 | pool | approved, running |
//! | a4 | api | production | none | none | rejected |
//! | B5 | web | staging | 1.0 | pool | approved at once, cleared |
//! | b6 | api | staging | 1.1 | pool | succeeded |
//! | é7 | web | test | 1.0 | pool | withdrawn |
//! | z8 | api | production | 1.0 | pool | pending, with a window |
//!
//! Alice may approve in production and in test, there with the team ops.

use countersign_domain::access::{Grant, GrantSide};
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, ReleaseId, RunnerName};
use countersign_domain::task::{TaskSpec, Window};

use crate::gate::{Gate, second};
use crate::place::Place;
use crate::sample::{
    approve, create, create_policy, create_team, finish, four_eyes, policy, reject, start, task,
    withdraw,
};

pub(crate) async fn eight(place: &Place) -> Gate {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[four_eyes()]).await;
    gate.grant(&[create_policy(policy(
        "ops-too",
        "test",
        &["alice"],
        &["ops"],
    ))])
    .await;
    let mut windowed = spec("z8", "api", "production", Some("1.0"), Some("pool"));
    windowed.window = Window {
        start: Some(second(2_000)),
        end: Some(second(3_000)),
    };
    let specs = [
        spec("a1", "web", "production", Some("1.0"), Some("pool")),
        spec("a2", "web", "production", Some("1.1"), Some("other")),
        spec("a3", "api", "production", Some("1.0"), Some("pool")),
        spec("a4", "api", "production", None, None),
        spec("B5", "web", "staging", Some("1.0"), Some("pool")),
        spec("b6", "api", "staging", Some("1.1"), Some("pool")),
        spec("é7", "web", "test", Some("1.0"), Some("pool")),
        windowed,
    ];
    let commands = specs.map(|spec| create(&gate.directory, spec));
    gate.grant(&commands).await;
    let decisions = [approve("alice", CrNumber(2)), approve("alice", CrNumber(3))];
    gate.grant(&decisions).await;
    let ends = [
        start("a3"),
        reject("alice", "a4"),
        start("b6"),
        finish("b6"),
        withdraw("é7"),
    ];
    gate.grant(&ends).await;
    gate
}

fn spec(
    id: &str,
    project: &str,
    environment: &str,
    release: Option<&str>,
    runner: Option<&str>,
) -> TaskSpec {
    TaskSpec {
        project: ProjectId::parse(project).unwrap(),
        environment: EnvironmentId::parse(environment).unwrap(),
        release: release.map(|release| ReleaseId::parse(release).unwrap()),
        runner: runner.map(|runner| RunnerName::parse(runner).unwrap()),
        ..task(id)
    }
}

/// A grant of these projects and environments; `*` is any.
pub(crate) fn grant(projects: &[&str], environments: &[&str]) -> Grant {
    let side = |ids: &[&str]| match ids {
        ["*"] => GrantSide::Any,
        ids => GrantSide::Only(ids.iter().map(|id| (*id).to_owned()).collect()),
    };
    Grant {
        projects: side(projects),
        environments: side(environments),
    }
}

/// A filter with something changed.
pub(crate) fn with<F: Clone>(filter: &F, change: impl FnOnce(&mut F)) -> F {
    let mut filter = filter.clone();
    change(&mut filter);
    filter
}

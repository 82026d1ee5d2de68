//! The table: which scopes a grant covers, touches, or does not reach at all.

use countersign_proto::v1::Scope;

use crate::gate::{Expect, Refused, TokenSpec, ids, tags};

/// Grants, each with its projects and environments. The ids of tokens begin with these names.
const GRANTS: [(&str, &[&str], &[&str]); 6] = [
    ("all", &["*"], &["*"]),
    ("web", &["web"], &["*"]),
    ("web-prod", &["web"], &["production"]),
    ("prod", &["*"], &["production"]),
    ("two", &["api", "web"], &["*"]),
    ("shop", &["shop"], &["*"]),
];

/// What a grant does with scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It covers all they may match.
    Covers,
    /// It covers some of it.
    Touches,
    /// It covers nothing of it.
    Misses,
}

/// One row: scopes, and what each grant does with them, in the order of [`GRANTS`]: `*` covers, `G`
/// touches, `N` misses.
pub(super) struct Row {
    /// The name of its scopes.
    pub(super) about: &'static str,
    /// The scopes.
    pub(super) scopes: Vec<Scope>,
    letters: &'static str,
}

impl Row {
    /// Each grant, and what it does with the scopes.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'static str, Reach)> {
        let reach = |letter| match letter {
            '*' => Reach::Covers,
            'G' => Reach::Touches,
            _ => Reach::Misses,
        };
        let names = GRANTS.iter().map(|(name, ..)| *name);
        names.zip(self.letters.chars().map(reach))
    }
}

/// The table.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let any = || ids(&["*"]);
    let row = |about, scopes, letters| Row { about, scopes, letters };
    vec![
        row("everything", vec![scope(any(), any())], "*GGGGG"),
        row("web", vec![scope(ids(&["web"]), any())], "**GG*N"),
        row("web in production", vec![scope(ids(&["web"]), ids(&["production"]))], "*****N"),
        row("web in staging", vec![scope(ids(&["web"]), ids(&["staging"]))], "**NN*N"),
        row("web everywhere by name",
            vec![scope(ids(&["web"]), ids(&["production", "staging"]))], "**GG*N"),
        row("api", vec![scope(ids(&["api"]), any())], "*NNG*N"),
        row("api in staging", vec![scope(ids(&["api"]), ids(&["staging"]))], "*NNN*N"),
        row("production", vec![scope(any(), ids(&["production"]))], "*GG*GG"),
        row("two in production",
            vec![scope(ids(&["api", "web"]), ids(&["production"]))], "*GG**N"),
        row("names that only look alike", vec![scope(ids(&["Web", "web2"]), any())], "*NNGNN"),
        row("tagged projects", vec![scope(tags(&["tier/critical"]), any())], "*GGGGG"),
        row("tagged projects in production",
            vec![scope(tags(&["tier/critical"]), ids(&["production"]))], "*GG*GG"),
        row("web in tagged environments",
            vec![scope(ids(&["web"]), tags(&["tier/live"]))], "**GG*N"),
        row("web, and api",
            vec![scope(ids(&["web"]), any()), scope(ids(&["api"]), any())], "*GGG*N"),
        row("web in production, and shop",
            vec![scope(ids(&["web"]), ids(&["production"])), scope(ids(&["shop"]), any())],
            "*GGGGG"),
    ]
}

fn scope(
    projects: Option<countersign_proto::v1::ScopeSide>,
    environments: Option<countersign_proto::v1::ScopeSide>,
) -> Scope {
    Scope {
        projects,
        environments,
        ..Scope::default()
    }
}

/// For each grant a token with this role.
pub(super) fn tokens(role: &str) -> Vec<TokenSpec> {
    let token = |&(name, projects, environments): &(&str, &[&str], &[&str])| {
        let id = format!("{name}-{role}");
        TokenSpec::person(&id, &id)
            .roles(&[role])
            .projects(projects)
            .environments(environments)
    };
    GRANTS.iter().map(token).collect()
}

impl Reach {
    /// What is made with these scopes is granted only where all of them are covered.
    #[track_caller]
    pub(super) fn making<T: std::fmt::Debug>(self, answer: Result<T, Refused>) {
        match self {
            Self::Covers => drop(answer.granted()),
            Self::Touches | Self::Misses => drop(answer.refused("OUTSIDE_GRANT", "E1")),
        }
    }

    /// What has them is changed only there, and is not there at all for whom they miss.
    #[track_caller]
    pub(super) fn changing<T: std::fmt::Debug>(self, answer: Result<T, Refused>) {
        match self {
            Self::Covers => drop(answer.granted()),
            Self::Touches => drop(answer.refused("OUTSIDE_GRANT", "E1")),
            Self::Misses => drop(answer.refused("NOT_FOUND", "E1")),
        }
    }

    /// It is shown wherever they are touched.
    #[track_caller]
    pub(super) fn showing<T: std::fmt::Debug>(self, answer: Result<T, Refused>) {
        match self {
            Self::Covers | Self::Touches => drop(answer.granted()),
            Self::Misses => drop(answer.refused("NOT_FOUND", "E1")),
        }
    }

    /// Whether it is shown.
    pub(super) fn shows(self) -> bool {
        self != Self::Misses
    }
}

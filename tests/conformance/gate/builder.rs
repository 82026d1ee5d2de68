//! Short ways to say what a test is about; everything else has a plain default.

use countersign_proto::v1::{
    Approvers, Creator, Person, Policy, Scope, ScopeSide, TaskKind, TaskSpec, Team,
};

/// A person of the server's own issuer.
pub(crate) fn person(subject: &str) -> Person {
    Person {
        issuer: String::new(),
        subject: subject.to_owned(),
    }
}

/// A deployment of `web` to `production`, triggered by `carol`.
pub(crate) fn deployment(id: &str) -> TaskSpec {
    TaskSpec {
        id: id.to_owned(),
        kind: TaskKind::Deployment.into(),
        project: "web".to_owned(),
        environment: "production".to_owned(),
        creator: Some(Creator {
            person: Some(person("carol")),
            display_name: String::new(),
            service: false,
        }),
        ..TaskSpec::default()
    }
}

/// A team with these members.
pub(crate) fn team(id: &str, members: &[&str]) -> Team {
    Team {
        id: id.to_owned(),
        members: members.iter().map(|member| person(member)).collect(),
        ..Team::default()
    }
}

/// One side of a scope: these ids.
pub(crate) fn ids(ids: &[&str]) -> Option<ScopeSide> {
    let ids = ids.iter().map(|&id| id.to_owned()).collect();
    Some(ScopeSide {
        ids,
        tags: Vec::new(),
    })
}

/// One side of a scope: these tags.
pub(crate) fn tags(tags: &[&str]) -> Option<ScopeSide> {
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    Some(ScopeSide {
        ids: Vec::new(),
        tags,
    })
}

/// A policy that is being written: for every project and environment, one approval, nobody yet.
#[derive(Clone)]
pub(crate) struct PolicySpec(Policy);

impl PolicySpec {
    pub(crate) fn new(id: &str) -> Self {
        Self(Policy {
            id: id.to_owned(),
            scopes: vec![Scope {
                projects: ids(&["*"]),
                environments: ids(&["*"]),
                ..Scope::default()
            }],
            approvers: Some(Approvers::default()),
            minimum_approvals: 1,
            ..Policy::default()
        })
    }

    pub(crate) fn users(mut self, users: &[&str]) -> Self {
        let approvers = self.0.approvers.get_or_insert_default();
        approvers
            .users
            .extend(users.iter().map(|user| person(user)));
        self
    }

    pub(crate) fn teams(mut self, teams: &[&str]) -> Self {
        let approvers = self.0.approvers.get_or_insert_default();
        approvers
            .teams
            .extend(teams.iter().map(|&team| team.to_owned()));
        self
    }

    pub(crate) fn minimum(mut self, minimum: u32) -> Self {
        self.0.minimum_approvals = minimum;
        self
    }

    pub(crate) fn block_creator(mut self) -> Self {
        self.0.block_creator = true;
        self
    }

    pub(crate) fn scopes(mut self, scopes: Vec<Scope>) -> Self {
        self.0.scopes = scopes;
        self
    }

    /// One scope with these ids on its two sides.
    pub(crate) fn only(self, projects: &[&str], environments: &[&str]) -> Self {
        self.scopes(vec![Scope {
            projects: ids(projects),
            environments: ids(environments),
            ..Scope::default()
        }])
    }

    /// Any other change.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn build(self) -> Policy {
        self.0
    }
}

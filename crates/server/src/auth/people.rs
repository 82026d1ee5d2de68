//! What people of the identity provider get beyond reading and approving: the first line that fits
//! them says it, whole.

use std::collections::BTreeSet;

use countersign_domain::access::{Grant, GrantSide, Role};
use countersign_domain::text::{self, Problem};
use serde::Deserialize;

/// One line. It fits a person whose subject or one of whose groups it names; one that names neither
/// fits everybody.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleLine {
    /// Subjects, exactly.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Groups, exactly.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Their roles.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// The projects they see and act on: ids, or `*` alone.
    pub projects: Vec<String>,
    /// The environments they see and act on: ids, or `*` alone.
    pub environments: Vec<String>,
}

/// What a line gives.
#[derive(Debug, Clone)]
pub(super) struct PeopleRule {
    subjects: BTreeSet<String>,
    groups: BTreeSet<String>,
    roles: BTreeSet<Role>,
    grant: Grant,
}

impl PeopleRule {
    /// Checks a line; answers with the key that is bad and why.
    pub(super) fn of(line: &PeopleLine) -> Result<Self, (&'static str, Problem)> {
        if let Some(role) = line.roles.iter().find(|role| role.is_for_services()) {
            let found = format!("the role {} for people", role.name());
            return Err(("roles", Problem::new(found, "that role for services only")));
        }
        for subject in &line.subjects {
            text::subject(subject).map_err(|problem| ("subjects", problem))?;
        }
        for group in &line.groups {
            text::subject(group).map_err(|problem| ("groups", problem))?;
        }
        Ok(Self {
            subjects: line.subjects.iter().cloned().collect(),
            groups: line.groups.iter().cloned().collect(),
            roles: line.roles.clone(),
            grant: grant(&line.projects, &line.environments)?,
        })
    }

    fn fits(&self, subject: &str, groups: &BTreeSet<String>) -> bool {
        let everybody = self.subjects.is_empty() && self.groups.is_empty();
        everybody || self.subjects.contains(subject) || !self.groups.is_disjoint(groups)
    }
}

/// The roles and the grant of a person: of the first rule that fits. Without rules everybody reads
/// everything. With some, whom none fits gets nothing: a claim that is left out must widen no
/// grant.
pub(super) fn given(
    rules: &[PeopleRule],
    subject: &str,
    groups: &BTreeSet<String>,
) -> (BTreeSet<Role>, Grant) {
    if rules.is_empty() {
        return (BTreeSet::new(), Grant::unlimited());
    }
    let rule = rules.iter().find(|rule| rule.fits(subject, groups));
    rule.map_or_else(
        || (BTreeSet::new(), Grant::nothing()),
        |rule| (rule.roles.clone(), rule.grant.clone()),
    )
}

/// A grant as it is written.
pub(super) fn grant(
    projects: &[String],
    environments: &[String],
) -> Result<Grant, (&'static str, Problem)> {
    Ok(Grant {
        projects: GrantSide::parse(projects).map_err(|problem| ("projects", problem))?,
        environments: GrantSide::parse(environments)
            .map_err(|problem| ("environments", problem))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn rule(subjects: &[&str], groups: &[&str], roles: &[Role]) -> PeopleRule {
        let line = PeopleLine {
            subjects: texts(subjects),
            groups: texts(groups),
            roles: roles.iter().copied().collect(),
            projects: texts(&["web"]),
            environments: texts(&["*"]),
        };
        PeopleRule::of(&line).unwrap()
    }

    #[test]
    fn the_first_line_that_fits_says_everything() {
        let rules = [
            rule(&["alice"], &[], &[Role::Auditor]),
            rule(&[], &["platform"], &[Role::PolicyAdmin]),
        ];
        let of = |subject: &str, groups: &[&str]| {
            let (roles, grant) = given(&rules, subject, &texts(groups).into_iter().collect());
            (roles.into_iter().collect::<Vec<_>>(), grant.is_unlimited())
        };
        assert_eq!(of("alice", &["platform"]), (vec![Role::Auditor], false));
        assert_eq!(of("bob", &["platform"]), (vec![Role::PolicyAdmin], false));
        assert_eq!(of("Alice", &["Platform"]), (vec![], false));
        let nobody = given(&rules, "Alice", &BTreeSet::new()).1;
        assert_eq!(nobody, Grant::nothing());
        assert!(given(&[], "Alice", &BTreeSet::new()).1.is_unlimited());
        let everybody = [rule(&[], &[], &[])];
        let (roles, grant) = given(&everybody, "carol", &BTreeSet::new());
        assert!(roles.is_empty() && !grant.is_unlimited());
    }

    #[test]
    fn d1_people_never_get_the_roles_of_services() {
        for role in [Role::Orchestrator, Role::Runner] {
            let line = PeopleLine {
                subjects: Vec::new(),
                groups: Vec::new(),
                roles: [role].into(),
                projects: texts(&["*"]),
                environments: texts(&["*"]),
            };
            assert_eq!(PeopleRule::of(&line).unwrap_err().0, "roles");
        }
    }
}

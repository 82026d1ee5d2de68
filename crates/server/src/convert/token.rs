//! What an access administrator says about a token, and tokens as answers carry them.

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::access::{
    Grant, GrantSide, PrincipalKind, Role, SecretHash, Token, TokenDraft,
};
use countersign_domain::ids::{RunnerName, TeamId, TokenId};
use countersign_domain::person::Person;
use countersign_domain::text;
use countersign_proto::v1;

use super::fields;
use super::identity::show_person;
use super::window::{optional_instant, timestamp};

/// How many teams, projects or environments a token may name.
const NAMED_LIMIT: usize = 1_000;
/// Whom services are of where nothing else is said.
const SERVICE_ISSUER: &str = "local";

/// From which issuers tokens may stand for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issuers<'a> {
    /// People are accepted from here only.
    pub(crate) people: &'a str,
    /// The identity provider that people log in at, which services are never of.
    pub(crate) provider: Option<&'a str>,
}

/// A token as somebody wants it to be, checked.
pub(crate) fn token_draft(
    message: &v1::Token,
    issuers: Issuers<'_>,
    secret_hash: SecretHash,
) -> Result<TokenDraft, Refusal> {
    let kind = kind(message.kind)?;
    let runner = fields::optional_id("token.runner", &message.runner, RunnerName::parse)?;
    let expires_at = optional_instant("token.expires_at", message.expires_at.as_ref())?;
    Ok(TokenDraft {
        id: fields::id("token.id", &message.id, TokenId::parse)?,
        description: fields::paragraph("token.description", &message.description)?,
        kind,
        person: person(message.person.as_ref(), kind, issuers)?,
        roles: roles(&message.roles)?,
        teams: fields::ids("token.teams", &message.teams, NAMED_LIMIT, TeamId::parse)?,
        runner,
        grant: Grant {
            projects: side("token.projects", &message.projects)?,
            environments: side("token.environments", &message.environments)?,
        },
        expires_at: fields::required("token.expires_at", expires_at)?,
        secret_hash,
    })
}

fn kind(value: i32) -> Result<PrincipalKind, Refusal> {
    match v1::PrincipalKind::try_from(value) {
        Ok(v1::PrincipalKind::Person) => Ok(PrincipalKind::Person),
        Ok(v1::PrincipalKind::Service) => Ok(PrincipalKind::Service),
        Ok(v1::PrincipalKind::Unspecified) | Err(_) => {
            let allowed = "PRINCIPAL_KIND_PERSON or PRINCIPAL_KIND_SERVICE";
            Err(fields::bad_enum("token.kind", value, allowed))
        }
    }
}

/// Whom the token stands for. A person of another issuer than people come from would count twice,
/// and a service of the provider would be taken for one of its people (D2).
fn person(
    message: Option<&v1::Person>,
    kind: PrincipalKind,
    issuers: Issuers<'_>,
) -> Result<Person, Refusal> {
    let message = fields::required("token.person", message)?;
    let named = Some(message.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let (issuer, allowed) = match kind {
        PrincipalKind::Person => {
            let allowed = format!(
                "{:?}, the issuer that people are accepted from",
                issuers.people
            );
            let fits = named.is_none_or(|issuer| issuer == issuers.people);
            (fits.then_some(issuers.people), allowed)
        }
        PrincipalKind::Service => {
            let issuer = named.unwrap_or(SERVICE_ISSUER);
            let fits = Some(issuer) != issuers.provider;
            let allowed = "another: people come from it; `local` where it is left out".to_owned();
            (fits.then_some(issuer), allowed)
        }
    };
    let issuer = issuer.ok_or_else(|| {
        let found = format!("{:?}", message.issuer);
        Refusal::field("token.person.issuer", found, allowed, "D2")
    })?;
    for (field, text) in [("issuer", issuer), ("subject", &message.subject)] {
        text::subject(text)
            .map_err(|problem| fields::refused(&format!("token.person.{field}"), problem))?;
    }
    Ok(Person {
        issuer: issuer.to_owned(),
        subject: message.subject.clone(),
    })
}

fn roles(values: &[i32]) -> Result<BTreeSet<Role>, Refusal> {
    let read = |(place, value): (usize, &i32)| {
        let known = v1::Role::try_from(*value).ok().and_then(role);
        known.ok_or_else(|| {
            fields::bad_enum(&format!("token.roles[{place}]"), *value, "a value of Role")
        })
    };
    values.iter().enumerate().map(read).collect()
}

fn role(value: v1::Role) -> Option<Role> {
    match value {
        v1::Role::Unspecified => None,
        v1::Role::Orchestrator => Some(Role::Orchestrator),
        v1::Role::Runner => Some(Role::Runner),
        v1::Role::PolicyAdmin => Some(Role::PolicyAdmin),
        v1::Role::Auditor => Some(Role::Auditor),
        v1::Role::Operator => Some(Role::Operator),
        v1::Role::AccessAdmin => Some(Role::AccessAdmin),
    }
}

fn side(field: &str, ids: &[String]) -> Result<GrantSide, Refusal> {
    fields::at_most(field, ids.len(), NAMED_LIMIT)?;
    GrantSide::parse(ids).map_err(|problem| fields::refused(field, problem))
}

/// A token as kept.
pub(crate) fn show_token(token: &Token) -> v1::Token {
    let draft = &token.draft;
    let revoked = token.revoked.as_ref();
    v1::Token {
        id: draft.id.to_string(),
        description: draft.description.clone(),
        kind: show_kind(draft.kind).into(),
        person: Some(show_person(&draft.person)),
        roles: show_roles(&draft.roles),
        teams: draft.teams.iter().map(TeamId::to_string).collect(),
        runner: draft
            .runner
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        projects: draft.grant.projects.to_ids(),
        environments: draft.grant.environments.to_ids(),
        expires_at: Some(timestamp(draft.expires_at)),
        created_at: Some(timestamp(token.created.instant)),
        created_by: token.created_by.as_ref().map(show_person),
        revoked_at: revoked.map(|revoked| timestamp(revoked.at)),
        revoked_by: revoked.and_then(|it| it.by.as_ref()).map(show_person),
        revocation_comment: revoked.map(|it| it.comment.clone()).unwrap_or_default(),
    }
}

/// A kind as answers carry it.
pub(crate) fn show_kind(kind: PrincipalKind) -> v1::PrincipalKind {
    match kind {
        PrincipalKind::Person => v1::PrincipalKind::Person,
        PrincipalKind::Service => v1::PrincipalKind::Service,
    }
}

/// Roles as answers carry them.
pub(crate) fn show_roles(roles: &BTreeSet<Role>) -> Vec<i32> {
    let show = |role: &Role| match role {
        Role::Orchestrator => v1::Role::Orchestrator,
        Role::Runner => v1::Role::Runner,
        Role::PolicyAdmin => v1::Role::PolicyAdmin,
        Role::Auditor => v1::Role::Auditor,
        Role::Operator => v1::Role::Operator,
        Role::AccessAdmin => v1::Role::AccessAdmin,
    };
    roles.iter().map(|role| show(role).into()).collect()
}

//! Credentials and tokens as the words of a step.
//!
//! `adm` calls with a credential of theirs, `ann!40` proved at second 40 who she is, and `#key`
//! bears the token `key`. `program` is whoever runs the program at the store.

use std::collections::BTreeSet;

use countersign_domain::Instant;
use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, GrantSide, Principal, PrincipalKind, Role, SecretHash,
    TokenDraft,
};
use countersign_domain::ids::RunnerName;

use super::Gate;
use super::people::{caller, person, team_id, token_id};
use super::script::{Options, time};

/// Who an actor is; nobody where time or the program asks.
pub(crate) fn actor(gate: &Gate, actor: &str) -> Option<Principal> {
    let (name, login) = match actor.split_once('!') {
        Some((name, login)) => (name, Some(time(login))),
        None => (actor, None),
    };
    let mut found = match name {
        "time" | "program" => return None,
        name => match name.strip_prefix('#') {
            Some(token) => bearer(gate, token),
            None => caller(name),
        },
    };
    found.credential.auth_time = login;
    Some(found)
}

/// The bearer of a token, also of one that has ended, or that nobody knows.
pub(crate) fn bearer(gate: &Gate, id: &str) -> Principal {
    match gate.directory.token(&token_id(id)) {
        Some(token) => token.principal(),
        None => Principal {
            credential: CredentialRef::new(CredentialKind::ApiToken, id),
            ..caller("ann")
        },
    }
}

/// What somebody says about a token: by default it stands for a person of its name, may act on
/// everything, and ends at second 1000.
pub(crate) fn token_draft(id: &str, options: &Options<'_>) -> TokenDraft {
    let option = |key: &str| options.get(key).copied();
    let list = |key: &str| {
        let words = option(key).unwrap_or_default().split(',');
        words.filter(|word| !word.is_empty())
    };
    TokenDraft {
        id: token_id(id),
        description: String::new(),
        kind: match option("kind") {
            Some("service") => PrincipalKind::Service,
            Some("person") | None => PrincipalKind::Person,
            Some(other) => panic!("no such kind: {other}"),
        },
        person: person(option("as").unwrap_or(id)),
        roles: list("roles").map(role).collect(),
        teams: list("teams").map(team_id).collect(),
        runner: option("runner").map(|name| RunnerName::parse(name).unwrap()),
        grant: Grant {
            projects: side(option("projects")),
            environments: side(option("envs")),
        },
        expires_at: time(option("until").unwrap_or("1000")),
        secret_hash: SecretHash::of(option("secret").unwrap_or(id)),
    }
}

fn role(name: &str) -> Role {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.unwrap_or_else(|| panic!("no such role: {name}"))
}

/// Everything where nothing is said.
pub(crate) fn side(text: Option<&str>) -> GrantSide {
    match text {
        None | Some("*") => GrantSide::Any,
        Some(ids) => {
            let ids: BTreeSet<String> = ids.split(',').map(str::to_owned).collect();
            GrantSide::Only(ids)
        }
    }
}

/// Where a token stands.
pub(crate) fn token_facts(gate: &Gate, id: &str, now: Instant) -> Vec<String> {
    let Some(token) = gate.directory.token(&token_id(id)) else {
        return Vec::new();
    };
    let state = match &token.revoked {
        Some(_) => "revoked",
        None if now < token.draft.expires_at => "live",
        None => "over",
    };
    let by = token.created_by.as_ref().map(|by| by.subject.as_str());
    vec![state.to_owned(), format!("by={}", by.unwrap_or("program"))]
}

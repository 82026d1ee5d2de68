//! What an access administrator says about a token, and tokens as answers carry them.

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::access::{
    Grant, GrantSide, PrincipalKind, Role, SecretHash, Token, TokenDraft,
};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::{RunnerName, TeamId, TokenId};
use countersign_domain::person::{LOCAL_ISSUER, Person};
use countersign_domain::text;
use countersign_proto::v1;

use super::fields;
use super::identity::show_person;
use super::window::{optional_instant, timestamp};

/// How many teams, projects or environments a token may name.
const NAMED_LIMIT: usize = 1_000;

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

/// The revocation of a token, checked.
pub(crate) fn revocation(token_id: &str, comment: &str) -> Result<DirectoryCommand, Refusal> {
    Ok(DirectoryCommand::RevokeToken {
        id: fields::id("token_id", token_id, TokenId::parse)?,
        comment: fields::paragraph("comment", comment)?,
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
            let issuer = named.unwrap_or(LOCAL_ISSUER);
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

#[cfg(test)]
mod tests {
    use countersign_domain::Instant;
    use countersign_domain::access::Revocation;
    use countersign_domain::log::Stamp;
    use prost_types::Timestamp;

    use super::super::fields::tests::field_of;
    use super::*;

    const LOCAL: Issuers<'_> = Issuers {
        people: "local",
        provider: None,
    };
    const LOGIN: &str = "https://login.example.com";
    const WITH_PROVIDER: Issuers<'_> = Issuers {
        people: LOGIN,
        provider: Some(LOGIN),
    };

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds_and_nanos(seconds, 0).unwrap()
    }

    fn message(kind: v1::PrincipalKind, issuer: &str) -> v1::Token {
        v1::Token {
            id: "ci-2027".to_owned(),
            description: "the deployer".to_owned(),
            kind: kind.into(),
            person: Some(v1::Person {
                issuer: issuer.to_owned(),
                subject: "ci".to_owned(),
            }),
            roles: vec![v1::Role::Runner.into(), v1::Role::Orchestrator.into()],
            teams: vec!["ops".to_owned()],
            runner: "pool-1".to_owned(),
            projects: vec!["web".to_owned(), "shop".to_owned()],
            environments: vec!["*".to_owned()],
            expires_at: Some(Timestamp {
                seconds: 1_800_000_000,
                nanos: 0,
            }),
            ..v1::Token::default()
        }
    }

    fn read(message: &v1::Token, issuers: Issuers<'_>) -> Result<TokenDraft, Refusal> {
        token_draft(message, issuers, SecretHash::of("text"))
    }

    fn service() -> v1::Token {
        message(v1::PrincipalKind::Service, "")
    }

    #[test]
    fn what_is_said_about_a_token_is_read() {
        let draft = read(&service(), LOCAL).unwrap();
        assert_eq!(draft.id.as_str(), "ci-2027");
        assert_eq!(draft.description, "the deployer");
        assert_eq!(draft.kind, PrincipalKind::Service);
        assert_eq!(draft.person.subject, "ci");
        assert_eq!(draft.roles, [Role::Orchestrator, Role::Runner].into());
        assert_eq!(draft.teams, [TeamId::parse("ops").unwrap()].into());
        assert_eq!(draft.runner, RunnerName::parse("pool-1").ok());
        assert_eq!(draft.grant.projects.to_ids(), ["shop", "web"]);
        assert_eq!(draft.grant.environments, GrantSide::Any);
        assert_eq!(draft.expires_at, at(1_800_000_000));
        assert_eq!(draft.secret_hash, SecretHash::of("text"));
    }

    #[test]
    fn e2_bad_fields_are_named() {
        type Change = fn(&mut v1::Token);
        let many = |count: usize| (0..count).map(|it| format!("a{it}")).collect::<Vec<_>>();
        let rows: [(&str, Change); 25] = [
            ("token.id", |it| it.id.clear()),
            ("token.id", |it| it.id = " ci".to_owned()),
            ("token.id", |it| it.id = "x".repeat(201)),
            ("token.description", |it| it.description = "x".repeat(4_097)),
            ("token.description", |it| {
                it.description = "\u{7}".to_owned();
            }),
            ("token.kind", |it| it.kind = 0),
            ("token.kind", |it| it.kind = 9),
            ("token.person", |it| it.person = None),
            ("token.person.subject", |it| subject(it, "")),
            ("token.person.subject", |it| subject(it, "al\u{202e}ice")),
            ("token.person.issuer", |it| issuer(it, "lo\u{0}cal")),
            ("token.person.issuer", |it| issuer(it, &"x".repeat(201))),
            ("token.roles[1]", |it| it.roles[1] = 0),
            ("token.roles[0]", |it| it.roles[0] = 99),
            ("token.teams[1]", |it| it.teams.push(String::new())),
            ("token.runner", |it| it.runner = "pool\n1".to_owned()),
            ("token.projects", |it| it.projects.clear()),
            ("token.projects", |it| it.projects.push("*".to_owned())),
            ("token.projects", |it| it.projects.push(String::new())),
            ("token.environments", |it| it.environments.clear()),
            ("token.environments", |it| {
                it.environments.push("web".to_owned());
            }),
            ("token.environments", |it| {
                it.environments = vec!["* ".to_owned()];
            }),
            ("token.expires_at", |it| it.expires_at = None),
            ("token.expires_at", |it| seconds(it, -1)),
            ("token.expires_at", |it| seconds(it, i64::MAX)),
        ];
        for (row, (field, change)) in rows.into_iter().enumerate() {
            let mut message = service();
            change(&mut message);
            assert_eq!(field_of(read(&message, LOCAL)), field, "row {row}");
        }
        let mut message = service();
        (message.teams, message.projects) = (many(1_000), many(1_000));
        assert!(read(&message, LOCAL).is_ok());
        message.teams = many(1_001);
        assert_eq!(field_of(read(&message, LOCAL)), "token.teams");
        message.teams.clear();
        message.projects = many(1_001);
        assert_eq!(field_of(read(&message, LOCAL)), "token.projects");
    }

    fn subject(message: &mut v1::Token, text: &str) {
        text.clone_into(&mut message.person.as_mut().unwrap().subject);
    }

    fn issuer(message: &mut v1::Token, text: &str) {
        text.clone_into(&mut message.person.as_mut().unwrap().issuer);
    }

    fn seconds(message: &mut v1::Token, seconds: i64) {
        message.expires_at = Some(Timestamp { seconds, nanos: 0 });
    }

    #[test]
    fn d2_people_are_of_one_issuer_and_services_never_of_the_provider() {
        use v1::PrincipalKind::{Person, Service};
        let refused = "token.person.issuer";
        let rows = [
            (LOCAL, Person, "", "local"),
            (LOCAL, Person, "local", "local"),
            (LOCAL, Person, "Local", refused),
            (LOCAL, Person, LOGIN, refused),
            (LOCAL, Service, "", "local"),
            (LOCAL, Service, "local", "local"),
            (LOCAL, Service, LOGIN, LOGIN),
            (WITH_PROVIDER, Person, "", LOGIN),
            (WITH_PROVIDER, Person, LOGIN, LOGIN),
            (WITH_PROVIDER, Person, "local", refused),
            (WITH_PROVIDER, Person, "https://login.example.com/", refused),
            (WITH_PROVIDER, Service, "", "local"),
            (WITH_PROVIDER, Service, "local", "local"),
            (WITH_PROVIDER, Service, "elsewhere", "elsewhere"),
            (WITH_PROVIDER, Service, LOGIN, refused),
        ];
        for (issuers, kind, named, expected) in rows {
            let found = read(&message(kind, named), issuers);
            let found = match found {
                Ok(draft) => draft.person.issuer,
                Err(_) => field_of(found),
            };
            assert_eq!(found, expected, "{issuers:?} {kind:?} {named:?}");
        }
        let wrong = read(&message(Person, "local"), WITH_PROVIDER).unwrap_err();
        assert!(wrong.to_string().contains(LOGIN), "{wrong}");
        assert_eq!(wrong.rule(), "D2");
    }

    #[test]
    fn every_role_and_kind_goes_there_and_back() {
        for role in Role::ALL {
            let shown = show_roles(&[role].into());
            assert_eq!(roles(&shown), Ok([role].into()));
        }
        let all = show_roles(&Role::ALL.into());
        let twice = all.repeat(2);
        assert_eq!(roles(&twice), Ok(Role::ALL.into()));
        for kept in [PrincipalKind::Person, PrincipalKind::Service] {
            assert_eq!(kind(show_kind(kept).into()), Ok(kept));
        }
    }

    #[test]
    fn a_token_is_shown_as_it_was_said_and_without_its_text() {
        let by = Person {
            issuer: "local".to_owned(),
            subject: "alice".to_owned(),
        };
        let stamp = |sequence: u64, seconds: i64| Stamp {
            sequence,
            instant: at(seconds),
        };
        let mut token = Token {
            draft: read(&service(), LOCAL).unwrap(),
            created_by: None,
            created: stamp(2, 100),
            revoked: None,
            stamp: stamp(2, 100),
        };
        let shown = show_token(&token);
        assert_eq!(read(&shown, LOCAL).as_ref(), Ok(&token.draft));
        assert_eq!(shown.created_at.unwrap().seconds, 100);
        assert_eq!((shown.created_by, shown.revoked_at), (None, None));
        token.created_by = Some(by.clone());
        token.revoked = Some(Revocation {
            at: at(200),
            by: Some(by),
            comment: "lost".to_owned(),
        });
        let shown = show_token(&token);
        let alice = |person: Option<v1::Person>| person.is_some_and(|it| it.subject == "alice");
        assert!(alice(shown.created_by) && alice(shown.revoked_by));
        assert_eq!(shown.revoked_at.unwrap().seconds, 200);
        assert_eq!(shown.revocation_comment, "lost");
    }
}

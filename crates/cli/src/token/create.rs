//! Makes a token, and shows its text once.

use anyhow::Context as _;
use countersign_proto::v1::{CreateTokenResponse, Person, PrincipalKind, Role, Token};

use super::arguments::Create;
use super::place::Place;
use super::secret_file::SecretFile;
use super::words::{instant, kind, or_dash, person, roles};
use crate::output;

pub(super) async fn run(arguments: Create) -> anyhow::Result<()> {
    let token = token(&arguments)?;
    let out = arguments.out.as_deref();
    let file = out.map(SecretFile::create).transpose()?;
    let place = Place::open(arguments.place, arguments.prefix.as_deref()).await?;
    let made = place.create(token).await;
    place.leave().await;
    let CreateTokenResponse { token, secret } = made?;
    let token = token.context("the answer holds no token")?;
    let told = match file {
        Some(file) => file.write(&secret),
        None => output::line(&secret),
    };
    told.with_context(|| {
        let id = &token.id;
        format!("token {id} was made and its text is lost: revoke it, and make another")
    })?;
    output::note(&summary(&token));
    output::note(&match out {
        Some(path) => format!("its text is in {}, and kept nowhere else", path.display()),
        None => "its text is the line on standard output; it is kept nowhere".to_owned(),
    });
    Ok(())
}

fn token(arguments: &Create) -> anyhow::Result<Token> {
    let roles = arguments.roles.iter().map(|&it| Role::from(it).into());
    Ok(Token {
        id: arguments.id.clone(),
        description: arguments.description.clone(),
        kind: PrincipalKind::from(arguments.kind).into(),
        person: Some(Person {
            issuer: arguments.issuer.clone(),
            subject: arguments.subject.clone(),
        }),
        roles: roles.collect(),
        teams: arguments.teams.clone(),
        runner: arguments.runner.clone(),
        projects: arguments.projects.clone(),
        environments: arguments.environments.clone(),
        expires_at: Some(arguments.life.end()?),
        ..Token::default()
    })
}

fn summary(token: &Token) -> String {
    format!(
        "token {}: the {} {}; roles {}; projects {}; environments {}; expires {}",
        token.id,
        kind(token.kind),
        person(token.person.as_ref()),
        roles(token),
        or_dash(&token.projects),
        or_dash(&token.environments),
        instant(token.expires_at.as_ref()),
    )
}

//! Shows one token, without its text, which nobody has.

use countersign_proto::v1::Token;

use super::arguments::Show;
use super::life::now;
use super::place::Place;
use super::table::table;
use super::words::{instant, kind, or_dash, person, roles, state, text_or_dash};
use crate::json::json;
use crate::output::{self, Output};

pub(super) async fn run(arguments: Show) -> anyhow::Result<()> {
    let place = Place::existing(arguments.place).await?;
    let found = place.get(arguments.id).await;
    place.leave().await;
    let token = found?;
    if let Output::Json = arguments.output {
        return output::line(&serde_json::to_string_pretty(&json("Token", &token)?)?);
    }
    let rows = rows(&token).map(|(name, value)| vec![name.to_owned(), value]);
    table(&rows).iter().try_for_each(|line| output::line(line))
}

fn rows(token: &Token) -> [(&'static str, String); 16] {
    // Made or revoked by nobody is: at the store itself.
    let by = |somebody, at: Option<&_>| match (somebody, at) {
        (None, Some(_)) => "at the store itself".to_owned(),
        (somebody, _) => person(somebody),
    };
    [
        ("id", token.id.clone()),
        ("state", state(token, now()).to_owned()),
        ("description", text_or_dash(&token.description)),
        ("kind", kind(token.kind)),
        ("subject", person(token.person.as_ref())),
        ("roles", roles(token)),
        ("teams", or_dash(&token.teams)),
        ("runner", text_or_dash(&token.runner)),
        ("projects", or_dash(&token.projects)),
        ("environments", or_dash(&token.environments)),
        ("expires", instant(token.expires_at.as_ref())),
        ("created", instant(token.created_at.as_ref())),
        (
            "created by",
            by(token.created_by.as_ref(), token.created_at.as_ref()),
        ),
        ("revoked", instant(token.revoked_at.as_ref())),
        (
            "revoked by",
            by(token.revoked_by.as_ref(), token.revoked_at.as_ref()),
        ),
        ("because", text_or_dash(&token.revocation_comment)),
    ]
}

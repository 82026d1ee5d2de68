//! Lists tokens by id.

use countersign_proto::v1::Token;

use super::arguments::List;
use super::life::now;
use super::place::Place;
use super::table::table;
use super::words::{instant, kind, or_dash, person, roles, state};
use crate::json::json;
use crate::output::{self, Output};

const HEAD: [&str; 8] = [
    "id",
    "kind",
    "subject",
    "roles",
    "projects",
    "environments",
    "expires",
    "state",
];

pub(super) async fn run(arguments: List) -> anyhow::Result<()> {
    let place = Place::existing(arguments.place).await?;
    let found = place.list(arguments.live).await;
    place.leave().await;
    let found = found?;
    if let Output::Json = arguments.output {
        let tokens = found.iter().map(|token| json("Token", token));
        let tokens: Vec<_> = tokens.collect::<anyhow::Result<_>>()?;
        return output::line(&serde_json::to_string_pretty(&tokens)?);
    }
    let now = now();
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|token| row(token, now)));
    table(&rows).iter().try_for_each(|line| output::line(line))
}

fn row(token: &Token, now: i64) -> Vec<String> {
    vec![
        token.id.clone(),
        kind(token.kind),
        person(token.person.as_ref()),
        roles(token),
        or_dash(&token.projects),
        or_dash(&token.environments),
        instant(token.expires_at.as_ref()),
        state(token, now).to_owned(),
    ]
}

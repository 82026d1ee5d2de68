//! Revokes a token.

use super::arguments::Revoke;
use super::place::Place;
use super::words::instant;
use crate::output;

pub(super) async fn run(arguments: Revoke) -> anyhow::Result<()> {
    let place = Place::existing(arguments.place).await?;
    let revoked = place.revoke(arguments.id, arguments.comment).await;
    place.leave().await;
    let token = revoked?;
    let when = instant(token.revoked_at.as_ref());
    output::line(&format!("token {} was revoked at {when}", token.id))
}

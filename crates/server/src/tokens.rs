//! API tokens at the store itself, for whoever runs the program there.
//!
//! No credential is asked for: whoever can write to the store can do anything to it anyway. What is
//! asked for is checked, and refused in the same words, as where a server is called.

use countersign_domain::access::SecretHash;
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::TokenId;
use countersign_engine::Engine;
use countersign_proto::v1;
use tonic::Status;

use crate::auth::{AccessSettings, api_token};
use crate::convert::fields;
use crate::convert::token::{Issuers, revocation, show_token, token_draft};
use crate::fault::Fault;
use crate::status::status;

/// How many tokens are read at a time.
const PAGE: usize = 1_000;

/// Makes a token. Its text is in the answer and nowhere else.
pub async fn create(
    engine: &Engine,
    access: &AccessSettings,
    token: &v1::Token,
) -> Result<v1::CreateTokenResponse, Status> {
    let issuers = Issuers {
        people: access.people_issuer(),
        provider: access.provider(),
    };
    let secret = api_token::fresh();
    let made = async {
        let draft = token_draft(token, issuers, SecretHash::of(&secret))?;
        let command = DirectoryCommand::CreateToken(Box::new(draft));
        Ok(engine.change_tokens(command).await?)
    };
    let token = told(engine, made.await)?;
    Ok(v1::CreateTokenResponse {
        token: Some(show_token(&token)),
        secret,
    })
}

/// All tokens by id, or those that are neither revoked nor expired.
pub async fn list(engine: &Engine, live: bool) -> Result<Vec<v1::Token>, Status> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = engine.tokens(None, after.as_ref(), live, PAGE).await;
        let page = told(engine, page.map_err(Fault::from))?;
        after = page.items.last().map(|token| token.draft.id.clone());
        found.extend(page.items.iter().map(|token| show_token(token)));
        if !page.more {
            return Ok(found);
        }
    }
}

/// One token.
pub async fn get(engine: &Engine, id: &str) -> Result<v1::Token, Status> {
    let found = async {
        let id = fields::id("token_id", id, TokenId::parse)?;
        Ok(engine.token(None, &id).await?)
    };
    let token = told(engine, found.await)?;
    Ok(show_token(&token))
}

/// Revokes a token.
pub async fn revoke(engine: &Engine, id: &str, comment: &str) -> Result<v1::Token, Status> {
    let revoked = async { Ok(engine.change_tokens(revocation(id, comment)?).await?) };
    let token = told(engine, revoked.await)?;
    Ok(show_token(&token))
}

/// A fault in the words in which calls are told of it.
fn told<T>(engine: &Engine, found: Result<T, Fault>) -> Result<T, Status> {
    found.map_err(|fault| status(&fault, &engine.prefix()))
}

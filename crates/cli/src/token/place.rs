//! Where tokens are reached: at the store itself, or at a server. Both check the same.

use anyhow::{Context as _, ensure};
use countersign_client::Connection;
use countersign_proto::v1::{
    CreateTokenRequest, CreateTokenResponse, GetTokenRequest, ListTokensRequest,
    RevokeTokenRequest, Token,
};
use countersign_server::{
    AccessSettings, Engine, EngineConfig, OpenError, StoreConfig, StoreError, tokens,
};
use tonic::Response;

use super::arguments::Where;
use crate::remote::refused;
use crate::store;

/// How many tokens are asked for at a time.
const PAGE: u32 = 200;

/// Where tokens are reached.
pub(super) enum Place {
    /// At the store itself, as whoever runs this.
    Store(Engine, AccessSettings),
    /// At a server, as the bearer of a credential.
    Server(Connection),
}

impl Place {
    /// Reaches tokens that there are.
    pub(super) async fn existing(arguments: Where) -> anyhow::Result<Self> {
        check(&arguments)?;
        if arguments.address.is_none()
            && let StoreConfig::Sqlite { path } = arguments.store.config()?
        {
            ensure!(path.exists(), "there is no store at {}", path.display());
        }
        Self::open(arguments, None).await
    }

    /// Reaches them; a store that is not there is created, with this prefix.
    pub(super) async fn open(arguments: Where, prefix: Option<&str>) -> anyhow::Result<Self> {
        check(&arguments)?;
        if let Some(address) = &arguments.address {
            return Ok(Self::Server(arguments.caller.connection(address)?));
        }
        let access = match &arguments.access {
            None => AccessSettings::default(),
            Some(file) => AccessSettings::load(file)
                .with_context(|| format!("failed to read {}", file.display()))?,
        };
        let given = prefix.map(store::prefix).transpose()?;
        let wanted = given.clone().map_or_else(store::usual_prefix, Ok)?;
        let config = EngineConfig::new(arguments.store.config()?, wanted, store::new_id());
        let engine = Engine::open(config).await.map_err(|error| {
            let held = matches!(&error, OpenError::Store(StoreError::InUse(_)));
            let error = anyhow::Error::from(error);
            match held {
                true => error.context(
                    "a running server holds this store: ask the server, with --address URL and \
                     --credential-file FILE",
                ),
                false => error,
            }
        })?;
        store::check_prefix(&engine, given.as_ref())?;
        Ok(Self::Store(engine, access))
    }

    /// Makes a token.
    pub(super) async fn create(&self, token: Token) -> anyhow::Result<CreateTokenResponse> {
        let made = match self {
            Self::Store(engine, access) => tokens::create(engine, access, &token).await,
            Self::Server(connection) => {
                let request = CreateTokenRequest { token: Some(token) };
                let answer = connection.access().create_token(request).await;
                answer.map(Response::into_inner)
            }
        };
        made.map_err(refused)
    }

    /// All tokens by id, or those that are neither revoked nor expired.
    pub(super) async fn list(&self, live: bool) -> anyhow::Result<Vec<Token>> {
        let connection = match self {
            Self::Store(engine, _) => return tokens::list(engine, live).await.map_err(refused),
            Self::Server(connection) => connection,
        };
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListTokensRequest {
                page_size: PAGE,
                page_token,
                live,
            };
            let answer = connection.access().list_tokens(request).await;
            let page = answer.map_err(refused)?.into_inner();
            found.extend(page.tokens);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            page_token = page.next_page_token;
        }
    }

    /// One token.
    pub(super) async fn get(&self, id: String) -> anyhow::Result<Token> {
        let found = match self {
            Self::Store(engine, _) => tokens::get(engine, &id).await.map(Some),
            Self::Server(connection) => {
                let request = GetTokenRequest { token_id: id };
                let answer = connection.access().get_token(request).await;
                answer.map(|answer| answer.into_inner().token)
            }
        };
        found.map_err(refused)?.context("the answer holds no token")
    }

    /// Revokes a token.
    pub(super) async fn revoke(&self, id: String, comment: String) -> anyhow::Result<Token> {
        let revoked = match self {
            Self::Store(engine, _) => tokens::revoke(engine, &id, &comment).await.map(Some),
            Self::Server(connection) => {
                let request = RevokeTokenRequest {
                    token_id: id,
                    comment,
                };
                let answer = connection.access().revoke_token(request).await;
                answer.map(|answer| answer.into_inner().token)
            }
        };
        revoked
            .map_err(refused)?
            .context("the answer holds no token")
    }

    /// Leaves in good order.
    pub(super) async fn leave(self) {
        if let Self::Store(engine, _) = self {
            engine.shutdown().await;
        }
    }
}

/// Whoever names a credential means a server, and must not reach a store by mistake.
fn check(arguments: &Where) -> anyhow::Result<()> {
    ensure!(
        arguments.address.is_some() || !arguments.caller.is_named(),
        "a credential is for a server: name the server with --address, or leave out \
         --credential-file and what belongs to it"
    );
    Ok(())
}

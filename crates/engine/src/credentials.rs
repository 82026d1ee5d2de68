//! API tokens: whom a bearer belongs to, and what is shown of them.

use std::sync::Arc;

use countersign_domain::Refusal;
use countersign_domain::access::{Principal, SecretHash, Token};
use countersign_domain::batch::{Action, Answer, Command};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::TokenId;
use tokio::sync::watch;

use crate::engine::Engine;
use crate::failure::Failure;
use crate::query::{Page, page};

impl Engine {
    /// The live token with this hash. What other replicas revoked is known here as soon as the feed
    /// has read it; commands are judged once more under the lock.
    pub fn bearer_of(&self, hash: &SecretHash) -> Option<Arc<Token>> {
        let now = self.now();
        let live = |token: &&Arc<Token>| token.is_live(now);
        self.directory()
            .read(|directory| directory.token_of(hash).filter(live).cloned())
    }

    /// Whether a token is live.
    pub fn is_token_live(&self, id: &TokenId) -> bool {
        let now = self.now();
        self.directory()
            .read(|directory| directory.token(id).is_some_and(|token| token.is_live(now)))
    }

    /// Hears of every token that was made or revoked.
    pub fn credentials_changed(&self) -> watch::Receiver<()> {
        self.directory().credentials_changed()
    }

    /// A token, if it exists and may act on no more than the caller; `None` sees all.
    pub async fn token(
        &self,
        caller: Option<&Principal>,
        id: &TokenId,
    ) -> Result<Arc<Token>, Failure> {
        self.know_directory().await?;
        let seen = |token: &&Arc<Token>| token.is_shown_to(caller);
        let found = self
            .directory()
            .read(|directory| directory.token(id).filter(seen).cloned());
        found.ok_or_else(|| Refusal::not_found("token", id.as_str()).into())
    }

    /// A page of tokens by id that may act on no more than the caller; `None` sees all.
    pub async fn tokens(
        &self,
        caller: Option<&Principal>,
        after: Option<&TokenId>,
        live: bool,
        limit: usize,
    ) -> Result<Page<Arc<Token>>, Failure> {
        self.know_directory().await?;
        let now = self.now();
        let found = self.directory().read(|directory| {
            let fitting = directory
                .tokens_after(after)
                .filter(|it| it.is_shown_to(caller) && (!live || it.is_live(now)));
            fitting.take(limit + 1).cloned().collect()
        });
        Ok(page(found, limit))
    }

    /// Makes or revokes a token at the store itself, for whoever runs the program there.
    pub async fn change_tokens(&self, command: DirectoryCommand) -> Result<Arc<Token>, Failure> {
        let command = Command {
            caller: None,
            action: Action::Directory(command),
            request: None,
        };
        match self.execute(command).await? {
            Answer::Token(token) => Ok(token),
            _ => Err(Failure::Internal),
        }
    }
}

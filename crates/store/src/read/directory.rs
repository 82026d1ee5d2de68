//! Policies, teams, freezes and tokens.

use countersign_domain::directory::Directory;

use crate::{Store, StoreError, rows, sql};

impl Store {
    /// All policies, teams, freezes and tokens, at one revision.
    pub async fn directory(&self) -> Result<Directory, StoreError> {
        let statement = sql::directory::all(self.backend());
        Ok(rows::directory(
            &self.read("read the directory", statement).await?,
        )?)
    }
}

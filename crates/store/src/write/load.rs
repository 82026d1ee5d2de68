//! Loading what a batch looks at.

use countersign_domain::batch::{KnownRequest, Wanted};
use countersign_domain::change_request::Case;
use countersign_domain::ids::RequestId;
use countersign_domain::person::Person;

use super::WriteTransaction;
use crate::StoreError;
use crate::rows::{CaseParts, known_resultants};
use crate::sql::cases;

/// What a batch is run on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Change requests with all their tasks, by number.
    pub cases: Vec<Case>,
    /// Calls that were made before.
    pub requests: Vec<((Person, RequestId), KnownRequest)>,
}

impl WriteTransaction {
    /// Everything that a batch looks at, in one statement; in two where a resultant policy is met
    /// for the first time.
    pub async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        if *wanted == Wanted::default() {
            return Ok(Loaded::default());
        }
        let statement = cases::load(self.backend(), wanted);
        let found = self.query("load change requests", statement).await?;
        let parts = CaseParts::read(&found).map_err(StoreError::from);
        let mut parts = self.noted(parts)?;
        let (mut resultants, missing) = self.store.resultants.look_up(parts.digests());
        if !missing.is_empty() {
            let digests = missing.iter().map(String::as_str);
            let statement = cases::resultants(self.backend(), digests);
            let found = self.query("load resultant policies", statement).await?;
            let known = known_resultants(&found).map_err(StoreError::from);
            for (digest, resultant, bytes) in self.noted(known)? {
                self.store.resultants.remember(&digest, &resultant, bytes);
                resultants.insert(digest, resultant);
            }
        }
        let requests = std::mem::take(&mut parts.requests);
        let cases = parts.finish(&resultants).map_err(StoreError::from);
        Ok(Loaded {
            cases: self.noted(cases)?.into_values().collect(),
            requests,
        })
    }
}

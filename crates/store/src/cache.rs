//! Resultant policies that were read before.
//!
//! They are stored under the digest of their content and never change, so what was read once needs
//! no checking. Bounded by number and by the length of their texts.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::policy::ResultantPolicy;
use lru::LruCache;

const LIMIT: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
const LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// Resultant policies that were read before.
#[derive(Debug)]
pub(crate) struct ResultantCache {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    known: LruCache<String, (Arc<ResultantPolicy>, usize)>,
    bytes: usize,
}

impl ResultantCache {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                known: LruCache::new(LIMIT),
                bytes: 0,
            }),
        }
    }

    /// What is known of these digests, and which are not known.
    pub(crate) fn look_up<'a>(
        &self,
        digests: impl Iterator<Item = &'a str>,
    ) -> (BTreeMap<String, Arc<ResultantPolicy>>, Vec<String>) {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in digests {
            if found.contains_key(digest) {
                continue;
            }
            match inner.known.get(digest) {
                Some((resultant, _)) => {
                    found.insert(digest.to_owned(), Arc::clone(resultant));
                }
                None => missing.push(digest.to_owned()),
            }
        }
        missing.sort_unstable();
        missing.dedup();
        (found, missing)
    }

    /// Remembers what was read, and forgets what was not used for the longest time.
    pub(crate) fn remember(&self, digest: &str, resultant: &Arc<ResultantPolicy>, bytes: usize) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let pushed = inner
            .known
            .push(digest.to_owned(), (Arc::clone(resultant), bytes));
        inner.bytes += bytes;
        if let Some((_, (_, gone))) = pushed {
            inner.bytes -= gone;
        }
        while inner.bytes > LIMIT_BYTES {
            match inner.known.pop_lru() {
                Some((_, (_, gone))) => inner.bytes -= gone,
                None => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_makes_room() {
        let cache = ResultantCache::new();
        let resultant = Arc::new(ResultantPolicy::default());
        cache.remember("a", &resultant, LIMIT_BYTES / 2);
        cache.remember("b", &resultant, LIMIT_BYTES / 2);
        let (found, missing) = cache.look_up(["a", "b", "a"].into_iter());
        assert_eq!((found.len(), missing.len()), (2, 0));
        cache.remember("c", &resultant, LIMIT_BYTES / 2);
        let (found, missing) = cache.look_up(["a", "b", "c", "d", "d"].into_iter());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(missing, ["a", "d"]);
        cache.remember("e", &resultant, LIMIT_BYTES + 1);
        assert_eq!(cache.look_up(["e"].into_iter()).1, ["e"]);
    }
}

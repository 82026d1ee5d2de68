//! Tokens that were verified by one set of keys, so that a busy caller costs one verification.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use countersign_domain::Instant;
use lru::LruCache;
use sha2::{Digest, Sha256};

use super::Verified;

/// How many are remembered. Each is the size of its names and groups.
const LIMIT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);

/// A SHA-256: tokens themselves are not kept.
pub(super) type Hash = [u8; 32];

/// The hash of a token, or of another text.
pub(super) fn hash_of(text: &[u8]) -> Hash {
    Sha256::digest(text).into()
}

/// Belongs to a set of keys and is forgotten with it.
pub(super) struct Remembered(Mutex<LruCache<Hash, Verified>>);

impl Remembered {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(LIMIT)))
    }

    /// Who the token was verified to be, if it has not ended.
    pub(super) fn get(&self, hash: &Hash, now: Instant) -> Option<Verified> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(hash) {
            Some(verified) if now < verified.expires_at => Some(verified.clone()),
            Some(_) => {
                tokens.pop(hash);
                None
            }
            None => None,
        }
    }

    pub(super) fn put(&self, hash: Hash, verified: Verified) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.put(hash, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(expires_at: i64) -> Verified {
        Verified {
            subject: "alice".to_owned(),
            display_name: "alice".to_owned(),
            groups: [].into(),
            auth_time: None,
            expires_at: Instant::from_micros(expires_at).unwrap(),
            id: "t-1".to_owned(),
        }
    }

    #[test]
    fn a_token_is_forgotten_when_it_ends() {
        let remembered = Remembered::new();
        let at = |micros| Instant::from_micros(micros).unwrap();
        remembered.put(hash_of(b"a"), verified(10));
        assert_eq!(remembered.get(&hash_of(b"a"), at(9)), Some(verified(10)));
        assert_eq!(remembered.get(&hash_of(b"b"), at(9)), None);
        assert_eq!(remembered.get(&hash_of(b"a"), at(10)), None);
        assert_eq!(remembered.get(&hash_of(b"a"), at(9)), None);
    }

    #[test]
    fn the_number_is_bounded() {
        let remembered = Remembered::new();
        for number in 0..=LIMIT.get() {
            remembered.put(hash_of(number.to_string().as_bytes()), verified(10));
        }
        assert_eq!(remembered.get(&hash_of(b"0"), Instant::EPOCH), None);
        assert!(remembered.get(&hash_of(b"1"), Instant::EPOCH).is_some());
    }
}

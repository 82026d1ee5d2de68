//! Resume tokens: a position in the log, bound to the store and to the entry that was there.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use countersign_domain::log::{Hash, sha256_hex};

/// Version 1 did not name the store; it was never released.
const VERSION: u8 = 2;
const STORE_BYTES: usize = 8;
const HASH_BYTES: usize = 12;
const SUM_BYTES: usize = 4;

/// By what a token knows its store: the beginning of the digest of the store's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreTag([u8; STORE_BYTES]);

impl StoreTag {
    /// The tag of the store with this id.
    pub fn of(store_id: &str) -> Self {
        Self(beginning(store_id.as_bytes()))
    }
}

/// A position in the log with a prefix of its entry's hash. Another store has another tag; this one
/// in an earlier state, put back from a copy, has another entry there, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeToken {
    /// The position: everything up to it was sent.
    pub sequence: u64,
    store: StoreTag,
    hash: [u8; HASH_BYTES],
}

impl ResumeToken {
    /// The token of an entry of a store.
    pub fn new(store: StoreTag, sequence: u64, hash: &Hash) -> Self {
        let mut prefix = [0; HASH_BYTES];
        prefix.copy_from_slice(&hash.bytes()[..HASH_BYTES]);
        Self {
            sequence,
            store,
            hash: prefix,
        }
    }

    /// Whether the token was made by a store with this tag.
    pub fn is_of_store(&self, store: StoreTag) -> bool {
        self.store == store
    }

    /// Whether the token was made of the entry with this hash.
    pub fn is_of(&self, hash: &Hash) -> bool {
        hash.bytes().starts_with(&self.hash)
    }

    /// The token as text. It ends with a sum, so that a token that was damaged on its way is told
    /// from one of another store.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.store.0);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.hash);
        bytes.extend(beginning::<SUM_BYTES>(&bytes));
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Reads a token; `None` if it is not one.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (content, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
        let (&version, rest) = content.split_first()?;
        let (store, rest) = rest.split_first_chunk::<STORE_BYTES>()?;
        let (sequence, hash) = rest.split_first_chunk::<8>()?;
        let hash: [u8; HASH_BYTES] = hash.try_into().ok()?;
        (version == VERSION && *sum == beginning::<SUM_BYTES>(content)).then(|| Self {
            sequence: u64::from_be_bytes(*sequence),
            store: StoreTag(*store),
            hash,
        })
    }
}

/// The beginning of the SHA-256 of some bytes.
fn beginning<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut found = [0; N];
    // A digest is always hexadecimal and longer than what is taken of it here.
    if let Ok(digest) = HEXLOWER.decode(sha256_hex(bytes).as_bytes()) {
        found.copy_from_slice(&digest[..N]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> (ResumeToken, Hash) {
        let hash = Hash::parse(&"ab".repeat(32)).unwrap();
        (ResumeToken::new(StoreTag::of("one"), 42, &hash), hash)
    }

    #[test]
    fn i41_tokens_survive_their_text_and_nothing_else_is_one() {
        let (token, hash) = token();
        assert_eq!(ResumeToken::decode(&token.encode()), Some(token));
        assert!(token.is_of(&hash));
        assert!(!token.is_of(&Hash::ZERO));
        assert!(token.is_of_store(StoreTag::of("one")));
        assert!(!token.is_of_store(StoreTag::of("other")));
        for bad in ["", "AAAA", "not a token", &token.encode()[1..]] {
            assert_eq!(ResumeToken::decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn i41_a_token_with_any_bit_turned_is_none() {
        let bytes = BASE64URL_NOPAD
            .decode(token().0.encode().as_bytes())
            .unwrap();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut turned = bytes.clone();
                turned[place] ^= 1 << bit;
                let text = BASE64URL_NOPAD.encode(&turned);
                assert_eq!(
                    ResumeToken::decode(&text),
                    None,
                    "bit {bit} of byte {place}"
                );
            }
            let cut = BASE64URL_NOPAD.encode(&bytes[..place]);
            assert_eq!(ResumeToken::decode(&cut), None, "{place} bytes");
        }
    }
}

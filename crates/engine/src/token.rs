//! Resume tokens: a position in the log, bound to the entry that was there.

use data_encoding::BASE64URL_NOPAD;

use countersign_domain::log::Hash;

const VERSION: u8 = 1;
const HASH_PREFIX: usize = 12;

/// A position in the log with a prefix of its entry's hash. Another store, or a restored one, has
/// another hash there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeToken {
    /// The position: everything up to it was sent.
    pub sequence: u64,
    hash: [u8; HASH_PREFIX],
}

impl ResumeToken {
    /// The token of an entry.
    pub fn new(sequence: u64, hash: &Hash) -> Self {
        let mut prefix = [0; HASH_PREFIX];
        prefix.copy_from_slice(&hash.bytes()[..HASH_PREFIX]);
        Self {
            sequence,
            hash: prefix,
        }
    }

    /// Whether the token was made of the entry with this hash.
    pub fn is_of(&self, hash: &Hash) -> bool {
        hash.bytes().starts_with(&self.hash)
    }

    /// The token as text.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.hash);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Reads a token; `None` if it is not one.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (&version, rest) = bytes.split_first()?;
        let (sequence, hash) = rest.split_first_chunk::<8>()?;
        let hash: [u8; HASH_PREFIX] = hash.try_into().ok()?;
        (version == VERSION).then(|| Self {
            sequence: u64::from_be_bytes(*sequence),
            hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_their_text_and_nothing_else_is_one() {
        let hash = Hash::parse(&"ab".repeat(32)).unwrap();
        let token = ResumeToken::new(42, &hash);
        assert_eq!(ResumeToken::decode(&token.encode()), Some(token));
        assert!(token.is_of(&hash));
        assert!(!token.is_of(&Hash::ZERO));
        for bad in ["", "AAAA", "not a token", &token.encode()[1..]] {
            assert_eq!(ResumeToken::decode(bad), None, "{bad:?}");
        }
    }
}

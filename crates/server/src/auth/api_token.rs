//! API tokens: their texts, which are made here and kept nowhere.

use data_encoding::HEXLOWER;

/// What every token begins with, so that whoever finds one knows what it is.
const PREFIX: &str = "csn_";
const SECRET_BYTES: usize = 32;

/// Whether a bearer is meant as a token of this kind.
pub(crate) fn is_meant(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// The text of a new token: 256 bits of chance.
#[expect(
    clippy::disallowed_methods,
    reason = "the one edge where a secret is made; nothing is decided by it"
)]
pub(crate) fn fresh() -> String {
    let secret: [u8; SECRET_BYTES] = rand::random();
    format!("{PREFIX}{}", HEXLOWER.encode(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_beginning_and_never_alike() {
        let (one, two) = (fresh(), fresh());
        assert!(is_meant(&one));
        assert_ne!(one, two);
        assert_eq!(one.len(), PREFIX.len() + 2 * SECRET_BYTES);
        assert!(!is_meant("alice") && !is_meant("CSN_00"));
    }
}

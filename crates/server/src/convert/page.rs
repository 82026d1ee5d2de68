//! Positions in lists. A token is opaque and bound to the conditions it was made under: with others
//! it would skip what the caller has not seen.

use countersign_domain::Refusal;
use countersign_domain::log::digest_of;
use data_encoding::BASE64URL_NOPAD;
use prost::Message;
use serde::Serialize;

use super::fields::{self, ANY_FIELD};

const FIELD: &str = "page_token";
const VERSION: u8 = 1;
const DIGEST_CHARS: usize = 24;
const DEFAULT_SIZE: usize = 50;
const SIZE_LIMIT: usize = 200;
/// Many clients take messages of at most 4 MiB, and a change request may be large: a page ends
/// early where it would get larger than this.
const PAGE_BYTES_LIMIT: usize = 1_024 * 1_024;

/// How a list is asked for: its size, and the conditions its tokens are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// How many at most.
    pub(crate) size: usize,
    digest: String,
}

impl Paging {
    /// Of a list with these conditions; `list` tells the lists apart.
    pub(crate) fn new(
        list: &str,
        conditions: &impl Serialize,
        page_size: u32,
    ) -> Result<Self, Refusal> {
        let size = match usize::try_from(page_size).unwrap_or(usize::MAX) {
            0 => DEFAULT_SIZE,
            size => size,
        };
        fields::at_most("page_size", size, SIZE_LIMIT)?;
        let mut digest = digest_of(&(list, conditions));
        digest.truncate(DIGEST_CHARS);
        Ok(Self { size, digest })
    }

    /// The position of a token, or `None` for the first page.
    pub(crate) fn position(&self, token: &str) -> Result<Option<String>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        let allowed = "the `next_page_token` of the page before, with the same conditions";
        let refused = |found: &str| Refusal::field(FIELD, found, allowed, ANY_FIELD);
        let malformed = || refused("a token that this server did not issue");
        let bytes = BASE64URL_NOPAD
            .decode(token.as_bytes())
            .map_err(|_| malformed())?;
        let (&version, rest) = bytes.split_first().ok_or_else(malformed)?;
        let text = str::from_utf8(rest).map_err(|_| malformed())?;
        let (digest, position) = text.split_at_checked(DIGEST_CHARS).ok_or_else(malformed)?;
        if version != VERSION {
            return Err(malformed());
        }
        if digest != self.digest {
            return Err(refused("a token of a list with other conditions"));
        }
        Ok(Some(position.to_owned()))
    }

    /// The token that continues after a position.
    pub(crate) fn token(&self, position: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.digest.as_bytes());
        bytes.extend(position.as_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// The refusal of a position that is none of this list's.
    pub(crate) fn bad_position() -> Refusal {
        let allowed = "the `next_page_token` of the page before";
        Refusal::field(
            FIELD,
            "a token that this server did not issue",
            allowed,
            ANY_FIELD,
        )
    }

    /// The items of one page, cut where it would get too large, and the token of the next one.
    pub(crate) fn page<T, M: Message>(
        &self,
        items: Vec<T>,
        more: bool,
        position: impl Fn(&T) -> String,
        show: impl Fn(&T) -> M,
    ) -> (Vec<M>, String) {
        let mut shown: Vec<M> = Vec::with_capacity(items.len());
        let mut bytes = 0;
        for item in &items {
            let message = show(item);
            bytes += message.encoded_len();
            if bytes > PAGE_BYTES_LIMIT && !shown.is_empty() {
                break;
            }
            shown.push(message);
        }
        let cut = shown.len() < items.len();
        let last = shown.len().checked_sub(1).and_then(|last| items.get(last));
        let next = last.filter(|_| more || cut);
        let token = next
            .map(|last| self.token(&position(last)))
            .unwrap_or_default();
        (shown, token)
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::v1;

    use super::super::fields::tests::field_of;
    use super::*;

    fn paging(conditions: &str, size: u32) -> Paging {
        Paging::new("tasks", &conditions, size).unwrap()
    }

    #[test]
    fn tokens_continue_only_the_list_they_came_from() {
        let token = paging("web", 10).token("deploy-7");
        assert_eq!(
            paging("web", 20).position(&token),
            Ok(Some("deploy-7".to_owned()))
        );
        assert_eq!(paging("web", 10).position(""), Ok(None));
        assert_eq!(field_of(paging("api", 10).position(&token)), FIELD);
        let other = Paging::new("policies", &"web", 10).unwrap();
        assert_eq!(field_of(other.position(&token)), FIELD);
        for bad in ["x", "AAAA", "not base64", &token[1..], &token[..20]] {
            assert_eq!(field_of(paging("web", 10).position(bad)), FIELD, "{bad:?}");
        }
    }

    #[test]
    fn sizes_have_a_default_and_a_limit() {
        assert_eq!(paging("web", 0).size, DEFAULT_SIZE);
        assert_eq!(paging("web", 200).size, 200);
        assert_eq!(field_of(Paging::new("tasks", &"web", 201)), "page_size");
        assert_eq!(
            field_of(Paging::new("tasks", &"web", u32::MAX)),
            "page_size"
        );
    }

    #[test]
    fn pages_end_early_where_they_get_too_large() {
        let team = |bytes: usize| v1::Team {
            description: "x".repeat(bytes),
            ..v1::Team::default()
        };
        let sizes = vec![PAGE_BYTES_LIMIT - 100, 1_000, 10];
        let page = |sizes, more| {
            let show = |bytes: &usize| team(*bytes);
            paging("all", 10).page(sizes, more, |bytes: &usize| bytes.to_string(), show)
        };
        let (shown, token) = page(sizes, false);
        assert_eq!(shown.len(), 1);
        let position = paging("all", 10).position(&token).unwrap();
        assert_eq!(position, Some((PAGE_BYTES_LIMIT - 100).to_string()));
        let (shown, token) = page(vec![PAGE_BYTES_LIMIT + 1], false);
        assert_eq!((shown.len(), token.as_str()), (1, ""));
        let (shown, token) = page(vec![1, 2], true);
        assert_eq!((shown.len(), token.is_empty()), (2, false));
        assert_eq!(page(Vec::new(), false).1, "");
    }
}

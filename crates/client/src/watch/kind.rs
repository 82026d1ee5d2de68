//! What differs from stream to stream.

use countersign_proto::v1::{Mark, MarkKind};
use tonic::{Response, Status, Streaming};

use crate::Connection;

/// One kind of stream.
pub trait Kind: Send + 'static {
    /// What the server sends.
    type Message: Send + 'static;
    /// What it tells about.
    type Item: Send + 'static;
    /// True: a newer state of a thing takes the place of an older one. False: each item is told
    /// once, in order.
    const LEVEL: bool;

    /// Asks for the stream, from behind this token; an empty one is none.
    fn open(
        &self,
        connection: &Connection,
        token: String,
    ) -> impl Future<Output = Result<Response<Streaming<Self::Message>>, Status>> + Send;

    /// The items of a message, and its mark.
    fn split(message: Self::Message) -> (Vec<Self::Item>, Option<Mark>);

    /// The name of the thing that an item is a state of.
    fn key(item: &Self::Item) -> &str;

    /// The items that were not told before. An error says that the stream contradicts itself.
    fn admit(&mut self, items: Vec<Self::Item>) -> Result<Vec<Self::Item>, Status> {
        Ok(items)
    }

    /// What was told before is of another store.
    fn forget(&mut self) {}

    /// Whether the server may end the stream because everything has been told.
    fn may_be_done(&self) -> bool {
        false
    }
}

/// Whether a mark is one that can be relied on: of a known kind, and with a position. One that
/// this build does not know is passed over, so that nothing is concluded from it.
pub(super) fn known_kind(mark: &Mark) -> Option<MarkKind> {
    let kind = MarkKind::try_from(mark.kind).ok()?;
    match kind {
        MarkKind::Synced | MarkKind::Heartbeat => (!mark.resume_token.is_empty()).then_some(kind),
        MarkKind::Unspecified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_are_not_understood_are_none() {
        let rows = [
            (MarkKind::Synced.into(), "t", Some(MarkKind::Synced)),
            (MarkKind::Heartbeat.into(), "t", Some(MarkKind::Heartbeat)),
            (MarkKind::Synced.into(), "", None),
            (MarkKind::Unspecified.into(), "t", None),
            (99, "t", None),
            (-1, "t", None),
        ];
        for (kind, token, expected) in rows {
            let mark = Mark {
                kind,
                resume_token: token.to_owned(),
                ..Mark::default()
            };
            assert_eq!(known_kind(&mark), expected, "{mark:?}");
        }
    }
}

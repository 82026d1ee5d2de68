//! The consumer's end of a watch.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::event::{Event, Over};
use super::follow::Follower;
use super::kind::Kind;
use super::mailbox::Mailbox;
use crate::Connection;

/// Follows a stream over reconnections. Dropping it ends the stream.
pub struct Watch<K: Kind> {
    mailbox: Arc<Mailbox<K::Item>>,
    follower: JoinHandle<()>,
}

impl<K: Kind> Watch<K> {
    pub(super) fn start(connection: Connection, kind: K) -> Self
    where
        K: Sync,
    {
        let mailbox = Arc::new(Mailbox::default());
        let follower = Follower::new(kind, connection, Arc::clone(&mailbox));
        Self {
            mailbox,
            follower: tokio::spawn(follower.run()),
        }
    }

    /// What happened next. After it was over it stays over. Dropping the waiting loses nothing.
    pub async fn next(&mut self) -> Result<Event<K::Item>, Over> {
        self.mailbox.take().await
    }

    /// Whether the stream is whole at this moment, also where [`Watch::next`] has not told yet that
    /// it was lost: the last thing to look at before acting on what was told.
    pub fn is_synced(&self) -> bool {
        self.mailbox.is_synced()
    }
}

impl<K: Kind> Drop for Watch<K> {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

//! The directory that all of this process shares, kept current entry by entry.

use std::sync::{PoisonError, RwLock};

use countersign_domain::directory::Directory;
use countersign_domain::log::{AggregateKey, Body, Entry, Event};

use tokio::sync::watch;

use crate::failure::Failure;

/// The one directory of a process. The writer and the feed both take in entries; each entry is
/// taken in once, in order, by whoever comes first.
#[derive(Debug)]
pub(crate) struct SharedDirectory {
    directory: RwLock<Directory>,
    /// Wakes those who hold a credential of this store whenever one came or went.
    credentials: watch::Sender<()>,
}

impl SharedDirectory {
    pub(crate) fn new(directory: Directory) -> Self {
        Self {
            directory: RwLock::new(directory),
            credentials: watch::Sender::new(()),
        }
    }

    /// Hears of every token that was made or revoked.
    pub(crate) fn credentials_changed(&self) -> watch::Receiver<()> {
        self.credentials.subscribe()
    }

    /// Looks at it.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Directory) -> T) -> T {
        look(
            &self
                .directory
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Replaces it, after the log was found to have gone back.
    pub(crate) fn replace(&self, directory: Directory) {
        *self
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner) = directory;
        self.credentials.send_replace(());
    }

    /// Takes in the entries that are new to it; others are passed over.
    pub(crate) fn take_in<'a>(
        &self,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<(), Failure> {
        for entry in entries {
            match entry.aggregate {
                AggregateKey::Policy(_)
                | AggregateKey::Team(_)
                | AggregateKey::Freeze(_)
                | AggregateKey::Token(_) => self.take_in_one(entry)?,
                AggregateKey::Store | AggregateKey::ChangeRequest(_) | AggregateKey::Task(_) => {}
            }
        }
        Ok(())
    }

    fn take_in_one(&self, entry: &Entry) -> Result<(), Failure> {
        let mut directory = self
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if entry.head.directory_revision <= directory.revision() {
            return Ok(());
        }
        if entry.head.directory_revision != directory.revision() + 1 {
            return Err(fault(entry, &"an entry before it is missing"));
        }
        let event = Body::parse(&entry.body).and_then(|body| body.typed_event());
        let event = event.map_err(|problem| fault(entry, &problem))?;
        let stamp = entry.head.stamp();
        let taken = match &event {
            Event::Policy(id, event) => directory.apply_policy(id, event, stamp).map(|_| ()),
            Event::Team(id, event) => directory.apply_team(id, event, stamp).map(|_| ()),
            Event::Freeze(id, event) => directory.apply_freeze(id, event, stamp).map(|_| ()),
            Event::Token(id, event) => directory.apply_token(id, event, stamp).map(|_| ()),
            Event::Store(_) | Event::ChangeRequest(..) | Event::Task(..) => Ok(()),
        };
        drop(directory);
        if let AggregateKey::Token(_) = entry.aggregate {
            self.credentials.send_replace(());
        }
        taken.map_err(|edge| fault(entry, &edge))
    }
}

fn fault(entry: &Entry, problem: &dyn std::fmt::Display) -> Failure {
    let sequence = entry.head.sequence;
    tracing::error!(sequence, %problem, "a directory entry cannot be taken in");
    Failure::Internal
}

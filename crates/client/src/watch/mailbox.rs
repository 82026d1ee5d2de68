//! What waits for the consumer.
//!
//! For levels a newer state takes the place of an older one that still waits, so the memory is
//! bounded by the number of things, and the reader never waits for the consumer. Entries of the
//! log all have to be told, so there the reader stops reading when too many wait.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tonic::Status;

use super::event::{Event, Over};

/// How many items that must all be told may wait.
const WAITING_LIMIT: usize = 4_096;

/// The mailbox between one reader and one consumer.
pub(super) struct Mailbox<T> {
    contents: Mutex<Contents<T>>,
    filled: Notify,
    emptied: Notify,
}

/// How the stream stands, as the reader knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Opening,
    Synced,
    Lost,
}

/// What waits, in the order in which it is told: a loss before all news, because it is what must
/// not be acted on any more; a mark after them.
struct Contents<T> {
    stream: Stream,
    lost: Option<Status>,
    anew: Option<Status>,
    news: Vec<T>,
    places: BTreeMap<String, usize>,
    synced: bool,
    over: Option<Over>,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let contents = Contents {
            stream: Stream::Opening,
            lost: None,
            anew: None,
            news: Vec::new(),
            places: BTreeMap::new(),
            synced: false,
            over: None,
        };
        Self {
            contents: Mutex::new(contents),
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }
}

impl<T> Mailbox<T> {
    /// News, and whether a mark came with them. `key` is given where a newer state takes the place
    /// of an older one.
    pub(super) fn put(&self, items: Vec<T>, key: Option<fn(&T) -> &str>, marked: bool) {
        let mut contents = self.contents();
        for item in items {
            contents.add(item, key);
        }
        if marked && contents.stream != Stream::Synced {
            contents.stream = Stream::Synced;
            contents.synced = true;
        }
        drop(contents);
        self.filled.notify_one();
    }

    /// The stream was lost. Told once for each loss, however often opening it fails after that.
    pub(super) fn lose(&self, status: Status) {
        let mut contents = self.contents();
        contents.synced = false;
        if contents.stream != Stream::Lost {
            contents.stream = Stream::Lost;
            contents.lost = Some(status);
        }
        drop(contents);
        self.filled.notify_one();
    }

    /// The stream begins anew: nothing of what waits is to be trusted.
    pub(super) fn begin_anew(&self, status: Status) {
        let mut contents = self.contents();
        contents.stream = Stream::Lost;
        contents.synced = false;
        contents.anew = Some(status);
        contents.take_news();
        drop(contents);
        self.filled.notify_one();
    }

    /// Nothing more will come.
    pub(super) fn end(&self, over: Over) {
        let mut contents = self.contents();
        contents.stream = Stream::Lost;
        // Whoever was refused is not told in the same breath that everything has been told.
        contents.synced &= matches!(over, Over::Done);
        contents.over = Some(over);
        drop(contents);
        self.filled.notify_one();
    }

    /// Waits until the consumer has taken enough for more.
    pub(super) async fn room(&self) {
        while self.contents().news.len() >= WAITING_LIMIT {
            self.emptied.notified().await;
        }
    }

    /// Waits for the next event and takes it.
    pub(super) async fn take(&self) -> Result<Event<T>, Over> {
        loop {
            if let Some(event) = self.contents().pop() {
                self.emptied.notify_one();
                return event;
            }
            self.filled.notified().await;
        }
    }

    pub(super) fn is_synced(&self) -> bool {
        self.contents().stream == Stream::Synced
    }

    fn contents(&self) -> MutexGuard<'_, Contents<T>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Contents<T> {
    fn add(&mut self, item: T, key: Option<fn(&T) -> &str>) {
        let Some(key) = key else {
            self.news.push(item);
            return;
        };
        let place = self.places.get(key(&item)).copied();
        if let Some(waiting) = place.and_then(|place| self.news.get_mut(place)) {
            *waiting = item;
        } else {
            self.places.insert(key(&item).to_owned(), self.news.len());
            self.news.push(item);
        }
    }

    fn take_news(&mut self) -> Vec<T> {
        self.places.clear();
        std::mem::take(&mut self.news)
    }

    fn pop(&mut self) -> Option<Result<Event<T>, Over>> {
        if let Some(status) = self.lost.take() {
            return Some(Ok(Event::Lost(status)));
        }
        if let Some(status) = self.anew.take() {
            return Some(Ok(Event::Anew(status)));
        }
        if !self.news.is_empty() {
            return Some(Ok(Event::News(self.take_news())));
        }
        if std::mem::take(&mut self.synced) {
            return Some(Ok(Event::Synced));
        }
        self.over.clone().map(Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Item = (&'static str, u64);
    const BY_NAME: Option<fn(&Item) -> &str> = Some(|item| item.0);

    /// All that waits, in short.
    fn told(mailbox: &Mailbox<Item>) -> Vec<String> {
        let pop = || mailbox.contents().pop();
        let mut told = Vec::new();
        while let Some(event) = pop() {
            told.push(match event {
                Ok(Event::News(items)) => format!("{items:?}"),
                Ok(Event::Synced) => "synced".to_owned(),
                Ok(Event::Lost(status)) => format!("lost: {}", status.message()),
                Ok(Event::Anew(_)) => "anew".to_owned(),
                Err(_) => return [told, vec!["over".to_owned()]].concat(),
            });
        }
        told
    }

    fn lost(mailbox: &Mailbox<Item>, why: &str) {
        mailbox.lose(Status::unavailable(why));
    }

    #[test]
    fn a_newer_state_takes_the_place_of_one_that_waits() {
        let mailbox = Mailbox::default();
        mailbox.put(vec![("a", 1), ("b", 2)], BY_NAME, false);
        mailbox.put(vec![("a", 3)], BY_NAME, true);
        assert_eq!(told(&mailbox), [r#"[("a", 3), ("b", 2)]"#, "synced"]);
        mailbox.put(vec![("a", 4)], BY_NAME, true);
        assert_eq!(told(&mailbox), [r#"[("a", 4)]"#]);
    }

    #[test]
    fn entries_all_wait() {
        let mailbox = Mailbox::default();
        mailbox.put(vec![("a", 1)], None, false);
        mailbox.put(vec![("a", 2)], None, false);
        assert_eq!(told(&mailbox), [r#"[("a", 1), ("a", 2)]"#]);
    }

    #[test]
    fn a_loss_is_told_first_and_once_and_takes_the_mark_back() {
        let mailbox = Mailbox::default();
        mailbox.put(vec![("a", 1)], BY_NAME, true);
        assert!(mailbox.is_synced());
        lost(&mailbox, "first");
        lost(&mailbox, "second");
        assert!(!mailbox.is_synced());
        assert_eq!(told(&mailbox), ["lost: first", r#"[("a", 1)]"#]);
        lost(&mailbox, "third");
        assert_eq!(told(&mailbox), [""; 0]);
        mailbox.put(vec![], BY_NAME, true);
        lost(&mailbox, "fourth");
        mailbox.put(vec![("a", 2)], BY_NAME, true);
        assert_eq!(told(&mailbox), ["lost: fourth", r#"[("a", 2)]"#, "synced"]);
    }

    #[test]
    fn what_another_store_told_is_dropped() {
        let mailbox = Mailbox::default();
        mailbox.put(vec![("a", 9)], BY_NAME, true);
        lost(&mailbox, "cut");
        mailbox.begin_anew(Status::invalid_argument("another store"));
        mailbox.put(vec![("a", 1)], BY_NAME, true);
        let expected = ["lost: cut", "anew", r#"[("a", 1)]"#, "synced"];
        assert_eq!(told(&mailbox), expected);
    }

    #[test]
    fn what_is_over_stays_over() {
        let mailbox = Mailbox::default();
        mailbox.put(vec![("a", 9)], BY_NAME, true);
        mailbox.end(Over::Done);
        assert!(!mailbox.is_synced());
        assert_eq!(told(&mailbox), [r#"[("a", 9)]"#, "synced", "over"]);
        assert_eq!(told(&mailbox), ["over"]);
    }

    #[tokio::test]
    async fn entries_wait_for_room() {
        let mailbox = Mailbox::default();
        mailbox.put(vec![("a", 1); WAITING_LIMIT], None, false);
        tokio::select! {
            biased;
            () = mailbox.room() => panic!("there is no room"),
            event = mailbox.take() => assert!(matches!(event, Ok(Event::News(_)))),
        }
        mailbox.room().await;
    }
}

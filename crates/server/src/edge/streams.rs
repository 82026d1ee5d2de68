//! How many streams a caller may have, and how messages are cut into portions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::person::Person;
use countersign_proto::v1;
use prost::Message;

use crate::fault::Fault;

/// How large a message of a stream gets, unless one thing alone is larger.
const PORTION_BYTES_LIMIT: usize = 200 * 1_024;

/// Counts open streams by caller.
#[derive(Debug, Clone)]
pub(crate) struct StreamCounts {
    limit: usize,
    open: Arc<Mutex<HashMap<Person, usize>>>,
}

impl StreamCounts {
    /// Where one caller may have so many open.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            open: Arc::default(),
        }
    }

    /// Counts one more stream of a caller, for as long as the answer lives.
    pub(crate) fn open(&self, caller: &Person) -> Result<OpenStream, Fault> {
        let mut counts = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = counts.get(caller).copied().unwrap_or(0);
        if open >= self.limit {
            return Err(Fault::TooManyStreams { limit: self.limit });
        }
        counts.insert(caller.clone(), open + 1);
        Ok(OpenStream {
            counts: self.clone(),
            caller: caller.clone(),
        })
    }
}

/// One open stream.
#[derive(Debug)]
pub(crate) struct OpenStream {
    counts: StreamCounts,
    caller: Person,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let counts = self.counts.open.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = counts.get_mut(&self.caller) {
            *open -= 1;
            if *open == 0 {
                counts.remove(&self.caller);
            }
        }
    }
}

/// Cuts things into portions of at most so many and not too many bytes, in order.
pub(crate) fn portions<M: Message>(things: Vec<M>, limit: usize) -> Vec<Vec<M>> {
    let mut portions = Vec::new();
    let mut portion = Vec::new();
    let mut bytes = 0;
    for thing in things {
        let length = thing.encoded_len();
        let full = portion.len() >= limit || bytes + length > PORTION_BYTES_LIMIT;
        if full && !portion.is_empty() {
            portions.push(std::mem::take(&mut portion));
            bytes = 0;
        }
        bytes += length;
        portion.push(thing);
    }
    if !portion.is_empty() {
        portions.push(portion);
    }
    portions
}

/// The messages that carry these things in order, in portions, and the mark with the last one.
pub(crate) fn messages<M: Message, A>(
    things: Vec<M>,
    limit: usize,
    mut mark: Option<v1::Mark>,
    make: impl Fn(Vec<M>, Option<v1::Mark>) -> A,
) -> Vec<A> {
    let mut portions = portions(things, limit);
    if portions.is_empty() && mark.is_some() {
        portions.push(Vec::new());
    }
    let last = portions.len().saturating_sub(1);
    let numbered = portions.into_iter().enumerate();
    numbered
        .map(|(place, portion)| make(portion, mark.take_if(|_| place == last)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(subject: &str) -> Person {
        Person {
            issuer: "local".to_owned(),
            subject: subject.to_owned(),
        }
    }

    #[test]
    fn one_caller_cannot_take_all_streams_of_another() {
        let counts = StreamCounts::new(3);
        let mut open: Vec<_> = (0..3)
            .map(|_| counts.open(&person("alice")).unwrap())
            .collect();
        let refused = counts.open(&person("alice")).err();
        assert_eq!(refused, Some(Fault::TooManyStreams { limit: 3 }));
        assert!(counts.open(&person("bob")).is_ok());
        open.pop();
        assert!(counts.open(&person("alice")).is_ok());
        drop(open);
        assert!(counts.open.lock().unwrap().is_empty());
    }

    #[test]
    fn portions_keep_the_order_and_both_limits() {
        let signal = |sequence: u64, bytes: usize| v1::TaskSignal {
            sequence,
            message: "x".repeat(bytes),
            ..v1::TaskSignal::default()
        };
        let cut = |sizes: &[usize], limit| {
            let things = sizes
                .iter()
                .zip(1..)
                .map(|(bytes, at)| signal(at, *bytes))
                .collect();
            let portions = portions::<v1::TaskSignal>(things, limit);
            portions
                .iter()
                .map(|portion| portion.iter().map(|it| it.sequence).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        assert_eq!(cut(&[1, 1, 1], 2), vec![vec![1, 2], vec![3]]);
        assert_eq!(
            cut(&[PORTION_BYTES_LIMIT, 1, 1], 9),
            vec![vec![1], vec![2, 3]]
        );
        assert_eq!(
            cut(&[1, PORTION_BYTES_LIMIT, 1], 9),
            vec![vec![1], vec![2], vec![3]]
        );
        assert!(cut(&[], 9).is_empty());
    }

    #[test]
    fn i41_the_mark_comes_with_or_after_the_last_thing() {
        let make =
            |things: Vec<v1::TaskSignal>, mark: Option<v1::Mark>| (things.len(), mark.is_some());
        let signals = |count: usize| vec![v1::TaskSignal::default(); count];
        let mark = || Some(v1::Mark::default());
        assert_eq!(
            messages(signals(3), 2, mark(), make),
            vec![(2, false), (1, true)]
        );
        assert_eq!(
            messages(signals(3), 2, None, make),
            vec![(2, false), (1, false)]
        );
        assert_eq!(messages(signals(0), 2, mark(), make), vec![(0, true)]);
        assert!(messages(signals(0), 2, None, make).is_empty());
    }
}

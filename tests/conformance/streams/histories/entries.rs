//! Two that follow the log meanwhile: one is never cut, the other one again and again.

use countersign_domain::log::Hash;
use countersign_engine::{Engine, LogMessage, LogStart};
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::gate::LIMIT;

/// Entries as they came, and how often the stream was cut.
#[derive(Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) entries: Vec<(u64, Hash)>,
    pub(super) cuts: u64,
}

/// Follows the log to an entry that is learned later. With a source of chance the stream is cut
/// after any message, and goes on from the newest token or from the sequence that is due.
pub(super) async fn follow(
    engine: Engine,
    last: tokio::sync::watch::Receiver<Option<u64>>,
    mut cutting: Option<StdRng>,
) -> Heard {
    let mut heard = Heard {
        entries: Vec::new(),
        cuts: 0,
    };
    let mut stream = engine.watch_log(LogStart::Beginning).await.unwrap();
    let mut token = None;
    loop {
        let reached = heard.entries.last().map(|(sequence, _)| *sequence);
        if last.borrow().is_some_and(|last| reached >= Some(last)) {
            return heard;
        }
        let message = tokio::time::timeout(LIMIT, stream.next()).await;
        let message = message.expect("a message comes in time");
        let message: LogMessage = message.expect("the stream goes on").unwrap();
        let news = message.entries.iter();
        heard
            .entries
            .extend(news.map(|entry| (entry.head.sequence, entry.head.hash)));
        if let Some(mark) = &message.mark {
            token = Some(mark.token);
        }
        let Some(random) = &mut cutting else { continue };
        if random.random_range(0..4) > 0 {
            continue;
        }
        let newest = heard.entries.last().map_or(0, |(sequence, _)| *sequence);
        let start = match token.filter(|_| random.random_range(0..2) == 0) {
            Some(token) => {
                // What came after the mark is sent again: it is forgotten, so that all is once.
                heard
                    .entries
                    .retain(|(sequence, _)| *sequence <= token.sequence);
                LogStart::Token(token.encode())
            }
            None => LogStart::Sequence(newest + 1),
        };
        stream = engine.watch_log(start).await.unwrap();
        heard.cuts += 1;
    }
}

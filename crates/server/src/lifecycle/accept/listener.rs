//! Takes connections, and pauses where that fails: a lack of file descriptors does not pass by
//! asking again at once. What helps is that a stranger goes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use metrics::counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::edge::waiting_room::WaitingRoom;

/// Whoever had to make room is gone after this.
const ROOM_PAUSE: Duration = Duration::from_millis(1);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The next connection.
pub(super) async fn accept(
    listener: &TcpListener,
    strangers: &WaitingRoom,
) -> (TcpStream, SocketAddr) {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        if is_of_one_peer(&error) {
            continue;
        }
        let failures = counter!("countersign_accept_errors_total");
        failures.increment(1);
        let made_room = strangers.evict_oldest();
        // While strangers make room callers get in, so nobody need be told.
        if made_room {
            sleep(ROOM_PAUSE).await;
            continue;
        }
        if pause == FIRST_PAUSE || pause == LONGEST_PAUSE {
            tracing::warn!(%error, "a connection could not be accepted; it waits");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether the peer was gone before it was accepted; then the next one is there already.
fn is_of_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

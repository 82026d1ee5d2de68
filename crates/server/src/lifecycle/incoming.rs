//! The accept loop: a bounded number of connections, and a pause where accepting fails, because a
//! lack of file descriptors does not pass by asking again at once.
//!
//! The transport asks a silent peer whether it is there only once it has greeted. One that never
//! does would hold its place for ever, so the greeting has a limit of its own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::{Connected, TcpConnectInfo};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The length of the preface that each HTTP/2 connection begins with.
const GREETING_BYTES: usize = 24;
/// How long a peer may take to send it.
pub(crate) const GREETING_LIMIT: Duration = Duration::from_secs(5);

/// Connections as they come, at most so many at a time; more wait in the listener's queue.
pub(crate) fn incoming(
    listener: TcpListener,
    connections: usize,
    greeting_limit: Duration,
) -> impl Stream<Item = io::Result<Connection>> {
    let permits = Arc::new(Semaphore::new(connections));
    unfold((listener, permits), move |(listener, permits)| async move {
        let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
        let stream = accept(&listener).await;
        metrics::gauge!("countersign_connections").increment(1.0);
        let connection = Connection {
            stream,
            greeting: Some(Greeting {
                missing: GREETING_BYTES,
                limit: Box::pin(sleep(greeting_limit)),
            }),
            _permit: permit,
        };
        Some((Ok(connection), (listener, permits)))
    })
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection could not be told not to delay");
                }
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// One connection, which counts for as long as it lives.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Until the peer has greeted.
    greeting: Option<Greeting>,
    _permit: OwnedSemaphorePermit,
}

struct Greeting {
    missing: usize,
    limit: Pin<Box<Sleep>>,
}

impl Connection {
    /// Counts what was read towards the greeting, or ends the wait for it.
    fn greet(&mut self, context: &mut Context<'_>, read: Option<usize>) -> Poll<io::Result<()>> {
        let Some(greeting) = &mut self.greeting else {
            return if read.is_some() {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            };
        };
        match read {
            Some(bytes) => {
                greeting.missing = greeting.missing.saturating_sub(bytes);
                if greeting.missing == 0 {
                    self.greeting = None;
                }
                Poll::Ready(Ok(()))
            }
            None => greeting.limit.as_mut().poll(context).map(|()| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the peer did not greet in time",
                ))
            }),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        metrics::gauge!("countersign_connections").decrement(1.0);
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let read = buffer.filled().len() - before;
                self.greet(context, Some(read))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.greet(context, None),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn no_more_connections_than_allowed_are_taken_at_a_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut incoming = pin!(incoming(listener, 1, GREETING_LIMIT));
        let _one = TcpStream::connect(address).await.unwrap();
        let _two = TcpStream::connect(address).await.unwrap();
        let first = incoming.next().await.unwrap().unwrap();
        let waits = tokio::time::timeout(Duration::from_millis(50), incoming.next()).await;
        assert!(waits.is_err());
        drop(first);
        assert!(incoming.next().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_peer_that_does_not_greet_is_let_go() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_millis(50);
        let mut incoming = pin!(incoming(listener, 2, limit));
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(b"PRI").await.unwrap();
        let mut connection = incoming.next().await.unwrap().unwrap();
        let mut buffer = [0; GREETING_BYTES];
        let error = connection.read_exact(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);

        let mut polite = TcpStream::connect(address).await.unwrap();
        polite.write_all(&[b'x'; GREETING_BYTES]).await.unwrap();
        let mut connection = incoming.next().await.unwrap().unwrap();
        connection.read_exact(&mut buffer).await.unwrap();
        let waits = tokio::time::timeout(limit * 2, connection.read(&mut buffer)).await;
        assert!(waits.is_err(), "who has greeted may be silent");
    }
}

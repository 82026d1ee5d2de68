//! Pipes in memory between a client and a server, which can be cut or stopped at any byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_client::{Connection, Jitter};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::transport::{Channel, Endpoint};

const ROOM: usize = 1 << 20;

/// In which direction bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// What happens after so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Both ends see the end of the connection.
    Cut,
    /// Nothing goes through in this direction any more, and nobody is told.
    Silence,
}

/// How connections break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Breaking {
    pub(crate) direction: Direction,
    pub(crate) after: usize,
    pub(crate) how: Break,
    /// So many connections, the first ones.
    pub(crate) connections: usize,
}

/// What went through.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicUsize,
    pub(crate) broken: AtomicUsize,
    pub(crate) to_server: AtomicUsize,
    pub(crate) to_client: AtomicUsize,
}

/// The server's ends of connections.
pub(crate) type Incoming = UnboundedReceiver<std::io::Result<DuplexStream>>;

/// A client's connection, and what the server accepts.
pub(crate) fn connection(
    breaking: Option<Breaking>,
    counts: Arc<Counts>,
) -> (Connection, Incoming) {
    let (accept, incoming) = unbounded_channel();
    let channel = channel(accept, breaking, counts);
    let connection = Connection::over(channel, "runner").unwrap();
    (connection.with_jitter(Jitter::seeded(7)), incoming)
}

fn channel(
    accept: UnboundedSender<std::io::Result<DuplexStream>>,
    breaking: Option<Breaking>,
    counts: Arc<Counts>,
) -> Channel {
    let endpoint = Connection::tuned(Endpoint::from_static("http://gate.test"));
    endpoint.connect_with_connector_lazy(tower::service_fn(move |_| {
        let number = counts.connections.fetch_add(1, Ordering::Relaxed);
        let breaking = breaking.filter(|breaking| number < breaking.connections);
        let (client, near) = tokio::io::duplex(ROOM);
        let (far, server) = tokio::io::duplex(ROOM);
        tokio::spawn(carry(near, far, breaking, Arc::clone(&counts)));
        let accepted = accept.send(Ok(server));
        async move {
            accepted.map_err(|_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused))?;
            Ok::<_, std::io::Error>(TokioIo::new(client))
        }
    }))
}

/// Carries bytes until one end closes, or until it breaks.
async fn carry(
    near: DuplexStream,
    far: DuplexStream,
    breaking: Option<Breaking>,
    counts: Arc<Counts>,
) {
    let (near_read, near_write) = split(near);
    let (far_read, far_write) = split(far);
    let limit = |direction| breaking.filter(|breaking| breaking.direction == direction);
    let (up, down) = (limit(Direction::ToServer), limit(Direction::ToClient));
    tokio::select! {
        () = pump(near_read, far_write, up, &counts.to_server, &counts.broken) => {}
        () = pump(far_read, near_write, down, &counts.to_client, &counts.broken) => {}
    }
}

async fn pump(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    breaking: Option<Breaking>,
    passed: &AtomicUsize,
    broken: &AtomicUsize,
) {
    let mut buffer = vec![0; 16 * 1_024];
    let mut left = breaking.map(|breaking| breaking.after);
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let allowed = left.map_or(read, |left| left.min(read));
        if to.write_all(&buffer[..allowed]).await.is_err() {
            return;
        }
        passed.fetch_add(allowed, Ordering::Relaxed);
        left = left.map(|left| left - allowed);
        if allowed < read {
            broken.fetch_add(1, Ordering::Relaxed);
            if breaking.is_some_and(|breaking| breaking.how == Break::Silence) {
                // The other direction still works, and ends this when it ends.
                std::future::pending::<()>().await;
            }
            return;
        }
    }
}

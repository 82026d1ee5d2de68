//! From the listener to calls, in order: take, greet, count, serve.

use std::net::SocketAddr;
use std::sync::Arc;

use metrics::counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::{Admission, Full};
use super::handshake::{Unfit, greet};
use super::listener::accept;
use super::serving::{App, Ends, Serving};
use crate::edge::waiting_room::{Guest, WaitingRoom};
use crate::lifecycle::Limits;
use crate::lifecycle::tls::live::Tls;

/// The way in. Clones share everything.
#[derive(Clone)]
pub(crate) struct Transport {
    limits: Limits,
    tls: Option<Arc<Tls>>,
    admission: Admission,
    serving: Serving,
}

/// One connection that was just taken.
struct Taken {
    stream: TcpStream,
    address: SocketAddr,
    stranger: Guest,
    socket: OwnedSemaphorePermit,
    number: u64,
}

impl Transport {
    pub(crate) fn new(limits: Limits, tls: Option<Arc<Tls>>, app: App) -> Self {
        Self {
            admission: Admission::new(&limits),
            serving: Serving::new(app, &limits),
            limits,
            tls,
        }
    }

    /// Serves until no more are to be taken and all connections have ended. If this is dropped
    /// before, they are cut.
    pub(crate) async fn run(self, listener: TcpListener, no_more: CancellationToken) {
        let cut = CancellationToken::new();
        let _cut = cut.clone().drop_guard();
        let tasks = TaskTracker::new();
        let taking = async {
            let strangers = WaitingRoom::new(self.limits.strangers());
            let sockets = Arc::new(Semaphore::new(self.limits.sockets()));
            let mut number = 0;
            loop {
                let (stream, address) = accept(&listener, &strangers).await;
                if let Err(full) = self.admission.has_room(address.ip()) {
                    refuse(reason_of(full));
                    continue;
                }
                let stranger = strangers.enter(1);
                // Whoever had to make room may not have gone yet.
                let Ok(socket) = Arc::clone(&sockets).acquire_owned().await else {
                    return;
                };
                let taken = Taken {
                    stream,
                    address,
                    stranger,
                    socket,
                    number,
                };
                number += 1;
                let ends = Ends {
                    no_more: no_more.clone(),
                    cut: cut.clone(),
                };
                tasks.spawn(self.clone().attend(taken, ends));
            }
        };
        tokio::select! {
            () = taking => {}
            () = no_more.cancelled() => {}
        }
        drop(listener);
        tasks.close();
        tasks.wait().await;
    }

    /// One connection from its first byte to its last.
    async fn attend(self, taken: Taken, ends: Ends) {
        let Taken {
            stream,
            address,
            stranger,
            socket: _socket,
            number,
        } = taken;
        let greeting = greet(stream, address, self.tls.as_deref(), self.limits.handshake);
        let greeted = tokio::select! {
            biased;
            () = stranger.evicted().cancelled() => return refuse("evicted"),
            () = ends.cut.cancelled() => return,
            () = ends.no_more.cancelled() => return,
            greeted = greeting => greeted,
        };
        let (connection, peer) = match greeted {
            Ok(greeted) => greeted,
            Err(unfit) => return refuse(reason_of_unfit(unfit)),
        };
        let _admitted = match self.admission.admit(address.ip()) {
            Ok(admitted) => admitted,
            Err(full) => return refuse(reason_of(full)),
        };
        drop(stranger);
        self.serving.serve(connection, peer, number, ends).await;
    }
}

fn refuse(reason: &'static str) {
    counter!("countersign_connections_refused_total", "reason" => reason).increment(1);
}

fn reason_of(full: Full) -> &'static str {
    match full {
        Full::Connections => "connections",
        Full::Address => "address",
    }
}

fn reason_of_unfit(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Late => "late",
        Unfit::Tls => "tls",
        Unfit::Greeting => "greeting",
    }
}

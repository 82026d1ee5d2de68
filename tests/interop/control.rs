//! A socket through which a foreign client has the server killed and started again.
//!
//! One word on a connection, one line back:
//!
//! - `kill`: ends the server as a power cut would.
//! - `start`: starts it again, on the same store and port.
//! - `other`: starts one more, on an empty store of its own.
//!
//! The answer is the address of the server meant. It comes when the word is done, so that a client
//! need not guess; a word that failed closes the connection without an answer.

use std::net::Ipv4Addr;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::process::{Database, Server};

/// Holds the server while a client plays.
pub(crate) struct Control {
    pub(crate) address: String,
    end: oneshot::Sender<()>,
    serving: JoinHandle<Server>,
}

impl Control {
    /// Takes the server over.
    pub(crate) async fn over(server: Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, server, ended));
        Self {
            address,
            end,
            serving,
        }
    }

    /// Gives the server back; the others end here.
    pub(crate) async fn end(self) -> Server {
        // Nobody listens only if a word has panicked, which the next line passes on.
        self.end.send(()).ok();
        self.serving.await.unwrap()
    }
}

async fn serve(
    listener: TcpListener,
    mut server: Server,
    mut ended: oneshot::Receiver<()>,
) -> Server {
    let mut others = Vec::new();
    loop {
        let (asking, _) = tokio::select! {
            accepted = listener.accept() => accepted.unwrap(),
            _ = &mut ended => return server,
        };
        obey(asking, &mut server, &mut others).await;
    }
}

async fn obey(asking: TcpStream, server: &mut Server, others: &mut Vec<(TempDir, Server)>) {
    let mut asking = BufStream::new(asking);
    let mut word = String::new();
    asking.read_line(&mut word).await.unwrap();
    let address = match word.trim_end() {
        "kill" => {
            server.kill().await;
            server.address()
        }
        "start" => {
            server.restart().await;
            server.address()
        }
        "other" => {
            let folder = tempfile::tempdir().unwrap();
            let other = Server::start(&Database::sqlite(&folder)).await;
            let address = other.address();
            others.push((folder, other));
            address
        }
        unknown => panic!("a scenario asked for `{unknown}`"),
    };
    let line = format!("{address}\n");
    asking.write_all(line.as_bytes()).await.unwrap();
    asking.flush().await.unwrap();
}

//! One connection of a hostile peer: it writes what it likes, and counts what comes back.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::frame::{self, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, frame};
use crate::certificates::Pair;
use crate::load::until;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What carries the bytes.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// What came back so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) settings: AtomicU64,
    pub(crate) settings_acks: AtomicU64,
    pub(crate) ping_acks: AtomicU64,
    pub(crate) resets: AtomicU64,
    pub(crate) answers: AtomicU64,
    pub(crate) closed: AtomicBool,
    /// The codes of those that came.
    pub(crate) goaways: Mutex<Vec<u32>>,
    /// gRPC statuses, by stream.
    pub(crate) statuses: Mutex<Vec<(u32, u32)>>,
    /// Codes of resets, by stream.
    pub(crate) reset_codes: Mutex<Vec<(u32, u32)>>,
}

impl Seen {
    /// What came back, for people.
    pub(crate) fn told(&self) -> String {
        let count = |it: &AtomicU64| it.load(Ordering::SeqCst);
        format!(
            "{} answers, {} resets, {} PING and {} SETTINGS acknowledged, GOAWAY {:?}, closed: {}",
            count(&self.answers),
            count(&self.resets),
            count(&self.ping_acks),
            count(&self.settings_acks),
            self.goaways.lock().unwrap(),
            self.is_closed(),
        )
    }

    /// Whether the server has greeted, and so serves this peer.
    pub(crate) fn has_greeted(&self) -> bool {
        self.settings.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether the server has told this peer to go, or has left it.
    pub(crate) fn is_over(&self) -> bool {
        self.is_closed() || !self.goaways.lock().unwrap().is_empty()
    }

    /// What one stream was answered with: a gRPC status, or the code of its reset.
    pub(crate) fn fate(&self, stream: u32) -> Option<Fate> {
        let of = |list: &Mutex<Vec<(u32, u32)>>| {
            let list = list.lock().unwrap();
            list.iter().find(|it| it.0 == stream).map(|it| it.1)
        };
        of(&self.statuses)
            .map(Fate::Status)
            .or_else(|| of(&self.reset_codes).map(Fate::Reset))
    }
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Status(u32),
    Reset(u32),
}

/// A connection.
pub(crate) struct Wire {
    writer: WriteHalf<Box<dyn Io>>,
    pub(crate) seen: Arc<Seen>,
    listening: JoinHandle<()>,
    /// How many bytes were sent.
    pub(crate) sent: u64,
}

impl Wire {
    /// Over this stream, with a proper greeting.
    pub(crate) async fn greet(io: Box<dyn Io>) -> Self {
        let mut wire = Self::silent(io);
        let mut greeting = PREFACE.to_vec();
        // No table for headers: what comes back is then spelled out each time.
        greeting.extend(frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0]));
        wire.send(&greeting).await;
        wire
    }

    /// Over this stream, without a word yet.
    pub(crate) fn silent(io: Box<dyn Io>) -> Self {
        let (reader, writer) = tokio::io::split(io);
        let seen = Arc::new(Seen::default());
        let listening = tokio::spawn(listen(reader, Arc::clone(&seen)));
        Self {
            writer,
            seen,
            listening,
            sent: 0,
        }
    }

    /// Agrees to what the server has said of itself; its windows are as wide as that from then on.
    pub(crate) async fn agree(&mut self) {
        self.until("the server greets", Seen::has_greeted).await;
        self.send(&frame(SETTINGS, frame::ACK, 0, &[])).await;
    }

    /// Sends bytes; whether the server still takes them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        if self.seen.is_closed() {
            return false;
        }
        let written = tokio::time::timeout(LIMIT, self.writer.write_all(bytes)).await;
        let taken = matches!(written, Ok(Ok(())));
        let flushed = taken && self.writer.flush().await.is_ok();
        self.sent += bytes.len() as u64;
        flushed
    }

    /// Begins a call, and ends its request unless it shall stay open.
    pub(crate) async fn call(&mut self, stream: u32, headers: &[(&str, &str)]) -> bool {
        let block = frame::header_block(headers);
        let flags = frame::END_HEADERS | frame::END_STREAM;
        self.send(&frame(HEADERS, flags, stream, &block)).await
    }

    /// Waits for what comes back.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        until(what, LIMIT, || holds(&self.seen)).await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Reads frames to the end, and counts them.
async fn listen(mut reader: impl AsyncRead + Unpin, seen: Arc<Seen>) {
    let mut head = [0; 9];
    while reader.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        if reader.read_exact(&mut payload).await.is_err() {
            break;
        }
        take_in(&seen, head[3], head[4], stream, &payload);
    }
    seen.closed.store(true, Ordering::SeqCst);
}

fn take_in(seen: &Seen, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let code = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
    let one = |count: &AtomicU64| count.fetch_add(1, Ordering::SeqCst);
    match kind {
        SETTINGS if flags & frame::ACK == 0 => drop(one(&seen.settings)),
        SETTINGS => drop(one(&seen.settings_acks)),
        PING if flags & frame::ACK != 0 => drop(one(&seen.ping_acks)),
        RST_STREAM => {
            one(&seen.resets);
            seen.reset_codes.lock().unwrap().push((stream, code(0)));
        }
        GOAWAY => seen.goaways.lock().unwrap().push(code(4)),
        HEADERS => {
            one(&seen.answers);
            if let Some(status) = frame::grpc_status(payload) {
                seen.statuses.lock().unwrap().push((stream, status));
            }
        }
        _ => {}
    }
}

/// A TCP connection from an address of this machine.
pub(crate) async fn tcp(server: &str, from: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let server: SocketAddr = server.parse().unwrap();
    let socket = TcpSocket::new_v4()?;
    if let Some(from) = from {
        socket.bind((from, 0).into())?;
    }
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What an honest peer speaks.
const VERSIONS: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

/// How a peer speaks TLS.
pub(crate) struct Terms<'a> {
    /// Who vouches for the server.
    pub(crate) authority: &'a str,
    /// What is shown.
    pub(crate) shown: Option<&'a Pair>,
    pub(crate) versions: &'a [&'static SupportedProtocolVersion],
    pub(crate) protocols: &'a [&'a str],
}

impl<'a> Terms<'a> {
    /// As an honest peer does.
    pub(crate) fn honest(authority: &'a str) -> Self {
        Self {
            authority,
            shown: None,
            versions: VERSIONS,
            protocols: &["h2"],
        }
    }

    /// Shakes hands over a connection.
    pub(crate) async fn shake(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.authority.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.shown {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes());
                let chain = chain.map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let protocols = self.protocols.iter();
        config.alpn_protocols = protocols.map(|it| it.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await
    }
}

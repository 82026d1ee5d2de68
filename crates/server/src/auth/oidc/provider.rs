//! A provider for tests: a small HTTP server on a loopback port, which answers what it was told.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a path answers.
#[derive(Clone)]
pub(super) struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    /// Of the whole answer; the rest never comes.
    part: Option<usize>,
    /// Nothing is sent before this is open.
    gate: Option<watch::Receiver<bool>>,
}

impl Reply {
    pub(super) fn json(body: &str) -> Self {
        let length = ("content-length".to_owned(), body.len().to_string());
        Self {
            status: 200,
            headers: [length].into(),
            body: body.to_owned(),
            part: None,
            gate: None,
        }
    }

    pub(super) fn redirect(status: u16, to: &str) -> Self {
        let mut reply = Self::json("").with_status(status);
        reply.headers.insert("location".to_owned(), to.to_owned());
        reply
    }

    pub(super) fn silence() -> Self {
        Self {
            part: Some(0),
            ..Self::json("")
        }
    }

    pub(super) fn half_only(self) -> Self {
        Self {
            part: Some(self.text().len() - 1),
            ..self
        }
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn without_length(mut self) -> Self {
        self.headers.remove("content-length");
        self
    }

    pub(super) fn behind(self, gate: &watch::Sender<bool>) -> Self {
        Self {
            gate: Some(gate.subscribe()),
            ..self
        }
    }

    fn text(&self) -> String {
        let mut text = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + "\r\n" + &self.body
    }
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    asked: HashMap<String, usize>,
}

/// The server.
pub(super) struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    tls: Option<TlsAcceptor>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl Provider {
    pub(super) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(super) async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            tls,
            serving: Mutex::new(None),
        };
        provider.serve(listener);
        provider
    }

    fn serve(&self, listener: TcpListener) {
        let (state, tls) = (Arc::clone(&self.state), self.tls.clone());
        let serving = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (Arc::clone(&state), tls.clone());
                open.spawn(async move {
                    match tls {
                        None => answer(stream, &state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &state).await;
                            }
                        }
                    }
                });
            }
        });
        *self.serving.lock().unwrap() = Some(serving);
    }

    /// Refuses connections until it is up again, at the same address.
    pub(super) async fn down(&self) {
        let serving = self.serving.lock().unwrap().take().unwrap();
        serving.abort();
        serving.await.unwrap_err();
    }

    pub(super) async fn up(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    pub(super) fn url(&self, path: &str) -> String {
        match self.tls {
            None => format!("http://{}{path}", self.address),
            Some(_) => format!("https://localhost:{}{path}", self.address.port()),
        }
    }

    pub(super) fn issuer(&self) -> String {
        self.url("")
    }

    pub(super) fn set(&self, path: &str, reply: Reply) {
        let mut state = self.state.lock().unwrap();
        state.replies.insert(path.to_owned(), reply);
    }

    /// Describes itself, and has these keys.
    pub(super) fn publish(&self, jwks: &[Value]) {
        let document = json!({"issuer": self.issuer(), "jwks_uri": self.url("/keys")});
        self.set(DISCOVERY, Reply::json(&document.to_string()));
        self.set("/keys", Reply::json(&json!({ "keys": jwks }).to_string()));
    }

    /// How often a path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.asked.get(path).copied().unwrap_or_default()
    }
}

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: &Mutex<State>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        *state.asked.entry(path.clone()).or_default() += 1;
        state.replies.get(&path).cloned()
    };
    let mut reply = reply.unwrap_or_else(|| Reply::json("").with_status(404));
    if let Some(gate) = &mut reply.gate
        && gate.wait_for(|open| *open).await.is_err()
    {
        return;
    }
    let text = reply.text();
    let part = reply.part.unwrap_or(text.len());
    stream.write_all(&text.as_bytes()[..part]).await.ok();
    match reply.part {
        None => stream.shutdown().await.ok(),
        Some(_) => std::future::pending().await,
    };
}

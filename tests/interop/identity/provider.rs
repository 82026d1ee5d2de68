//! The provider in `node/provider.mjs` as a process, and people who sign in there from Python.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::tool::{installed, printed, tool};

/// How long the provider may take to start, or to obey.
const LIMIT: Duration = Duration::from_secs(60);

/// A provider of OpenID Connect. It ends with this value, for its input ends then.
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) port: String,
    words: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    child: Child,
    _folder: TempDir,
}

/// What a person has after signing in.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: String,
}

impl Provider {
    /// A provider on a free port.
    pub(super) async fn start() -> Self {
        Self::start_at("0").await
    }

    /// A provider on this port, which is part of its name.
    pub(super) async fn start_at(port: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packages = installed("COUNTERSIGN_TEST_NODE_MODULES", "tests/tools/node-packages");
        symlink(packages, folder.path().join("node_modules")).unwrap();
        symlink(sources().join("node"), folder.path().join("client")).unwrap();
        let mut child = Command::new("node")
            .args(["--preserve-symlinks", "--preserve-symlinks-main"])
            .arg(folder.path().join("client").join("provider.mjs"))
            .args(["--port", port])
            .env_remove("NODE_OPTIONS")
            .env_remove("NODE_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let words = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let place = said(&mut lines).await;
        Self {
            issuer: place["issuer"].as_str().unwrap().to_owned(),
            port: place["port"].to_string(),
            words,
            lines,
            child,
            _folder: folder,
        }
    }

    /// Has it obey a word: `rotate`, `down`, `up` or `ttl 5`.
    pub(super) async fn obey(&mut self, word: &str) {
        self.words
            .write_all(format!("{word}\n").as_bytes())
            .await
            .unwrap();
        let answer = said(&mut self.lines).await;
        assert_eq!(answer["done"], *word.split(' ').next().unwrap(), "{answer}");
    }

    /// Ends it, so that its port is free.
    pub(super) async fn quit(mut self) {
        self.words.write_all(b"quit\n").await.unwrap();
        let ended = timeout(LIMIT, self.child.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "the provider: {ended}");
    }

    /// Signs somebody in.
    pub(super) async fn login(&self, user: &str) -> Tokens {
        self.login_with(user, &[]).await
    }

    /// Signs somebody in with an access token that says nothing to anybody but the provider.
    pub(super) async fn opaque(&self, user: &str) -> String {
        self.login_with(user, &["--no-resource"]).await.access_token
    }

    async fn login_with(&self, user: &str, more: &[&str]) -> Tokens {
        let mut login = script("oidc_login.py");
        login
            .args(["--issuer", &self.issuer, "--user", user])
            .args(more);
        serde_json::from_str(&printed(login).await).unwrap()
    }

    /// Its only key, the public half.
    pub(super) async fn key(&self) -> Value {
        let address = format!("127.0.0.1:{}", self.port);
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = format!("GET /jwks HTTP/1.0\r\nhost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let keys: Value = serde_json::from_str(body).unwrap();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
        keys["keys"][0].clone()
    }
}

async fn said(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
    serde_json::from_str(&line.expect("the provider has ended")).unwrap()
}

/// Python leaves nothing beside the sources, and asks no user's settings.
pub(super) fn script(name: &str) -> Command {
    let mut command = tool("COUNTERSIGN_TEST_PYTHON", "tests/tools/python-env");
    command
        .args(["-B", "-s", "-u"])
        .arg(sources().join("python").join(name));
    command
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

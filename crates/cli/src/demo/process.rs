//! The server of the demo: a child process, so that it can really be killed.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// How long the server may take to answer after it was started.
const START_LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// A server as a child process.
pub(crate) struct Process {
    port: u16,
    store: PathBuf,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a server on a new store in a folder, on a free port.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to find a port")?;
        let port = free.local_addr().context("failed to find a port")?.port();
        drop(free);
        let store = folder.join("countersign.db");
        let log = folder.join("server.log");
        let child = spawn(port, &store, &log)?;
        let mut process = Self {
            port,
            store,
            log,
            child,
        };
        process.wait_until_it_answers().await?;
        Ok(process)
    }

    /// The store's file.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it as a power cut would, and starts it again on the same store and port.
    pub(crate) async fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .context("failed to kill the server")?;
        self.child = spawn(self.port, &self.store, &self.log)?;
        self.wait_until_it_answers().await
    }

    /// Asks it to stop in good order.
    pub(crate) async fn stop(mut self, limit: Duration) -> anyhow::Result<()> {
        if let Some(id) = self.child.id() {
            let id = i32::try_from(id).context("the server has no process id")?;
            kill(Pid::from_raw(id), Signal::SIGTERM).context("failed to stop the server")?;
        }
        match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(ended) => ended.map(drop).context("failed to wait for the server"),
            Err(_) => bail!("the server did not stop within {limit:?}"),
        }
    }

    async fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let mut waited = Duration::ZERO;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            let ended = self
                .child
                .try_wait()
                .context("failed to look after the server")?;
            if ended.is_some() || waited > START_LIMIT {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("the server did not start; its log says:\n{log}");
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
        Ok(())
    }
}

fn spawn(port: u16, store: &Path, log: &Path) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("failed to find this program")?;
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log);
    let file = file.context("failed to open the server's log")?;
    Command::new(program)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .arg("--sqlite")
        .arg(store)
        .stdin(Stdio::null())
        .stdout(
            file.try_clone()
                .context("failed to open the server's log")?,
        )
        .stderr(file)
        .kill_on_drop(true)
        .spawn()
        .context("failed to start the server")
}

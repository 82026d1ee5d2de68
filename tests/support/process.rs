//! A server as a child process, so that a test can kill it or stop it in its tracks.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use countersign_client::{Connection, Tls};
use countersign_store::StoreConfig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// How long a server may take to answer after it was started.
const START_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Which store a server runs on.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    /// A store of its own in a folder that is removed with the test.
    pub(crate) fn sqlite(folder: &TempDir) -> Self {
        Self::Sqlite(folder.path().join("store.db"))
    }

    /// An empty database of the cluster that the test run has started.
    pub(crate) async fn postgres() -> Self {
        let admin = std::env::var("COUNTERSIGN_TEST_POSTGRES_URL").expect(
            "COUNTERSIGN_TEST_POSTGRES_URL is not set: run `make test`, or start a cluster with \
             `tests/tools/postgres start DIR` and set it to the URL that this prints",
        );
        Self::Postgres(
            countersign_store::testing::fresh_postgres(&admin)
                .await
                .unwrap(),
        )
    }

    /// How to open it around the server.
    #[allow(dead_code, reason = "not every suite goes around")]
    pub(crate) fn config(&self) -> StoreConfig {
        match self.clone() {
            Self::Sqlite(path) => StoreConfig::Sqlite { path },
            Self::Postgres(url) => StoreConfig::Postgres { url },
        }
    }

    /// What the program is told.
    fn arguments(&self) -> [String; 2] {
        match self {
            Self::Sqlite(path) => ["--sqlite".to_owned(), path.display().to_string()],
            Self::Postgres(url) => ["--database-url".to_owned(), url.clone()],
        }
    }

    /// Runs `countersign verify` on it.
    pub(crate) async fn verify(&self) {
        let output = Command::new(program())
            .arg("verify")
            .args(self.arguments())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the store does not verify: {said}");
    }
}

/// What a server is given beside its store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// More arguments.
    pub(crate) arguments: Vec<String>,
    /// How many file descriptors it may have.
    pub(crate) descriptors: Option<u32>,
    /// The authority that vouches for it, as PEM, where it speaks TLS.
    pub(crate) authority: Option<Vec<u8>>,
}

/// A server.
pub(crate) struct Server {
    database: Database,
    setup: Setup,
    port: u16,
    pub(crate) metrics_port: u16,
    child: Child,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(crate) async fn start(database: &Database) -> Self {
        Self::start_with(database, Setup::default()).await
    }

    /// Starts a server that is told more, and waits until it answers.
    pub(crate) async fn start_with(database: &Database, setup: Setup) -> Self {
        let (port, metrics_port) = (free_port(), free_port());
        let child = spawn(database, &setup, port, metrics_port);
        let mut server = Self {
            database: database.clone(),
            setup,
            port,
            metrics_port,
            child,
        };
        server.wait_until_it_answers().await;
        server
    }

    /// A connection as the bearer of a credential.
    pub(crate) fn as_(&self, bearer: &str) -> Connection {
        self.connector(bearer)()
    }

    /// Makes connections as the bearer of a credential.
    pub(crate) fn connector(&self, bearer: &str) -> impl Fn() -> Connection + Send + use<> {
        let (address, bearer) = (self.address(), bearer.to_owned());
        let authority = self.setup.authority.clone();
        move || match &authority {
            None => Connection::new(&format!("http://{address}"), &bearer).unwrap(),
            Some(authority) => {
                let tls = Tls {
                    authorities_pem: Some(authority.clone()),
                    ..Tls::default()
                };
                let address = format!("https://{address}");
                Connection::secure(&address, Some(&bearer), tls).unwrap()
            }
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The sum of a metric over all its labels; 0 where nothing was measured yet.
    #[allow(dead_code, reason = "not every suite asks for it")]
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let address = (Ipv4Addr::LOCALHOST, self.metrics_port);
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        let lines = page.lines().filter_map(|line| line.rsplit_once(' '));
        // A name without labels stands for all of them; with, for those that begin like this.
        let found = lines.filter(|(found, _)| {
            let own = found.split('{').next();
            own == Some(name) || name.contains('{') && found.starts_with(name)
        });
        found.fold(0.0, |sum, (_, value)| sum + value.parse::<f64>().unwrap())
    }

    /// Its process id.
    #[allow(dead_code, reason = "not every suite asks for it")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// What its process has in RAM, in KiB.
    #[allow(dead_code, reason = "not every suite asks for it")]
    pub(crate) fn resident_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mut lines = status.lines();
        let line = lines.find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The CPU time that its process has taken, in ticks of 10 ms.
    #[allow(dead_code, reason = "not every suite asks for it")]
    pub(crate) fn cpu_ticks(&self) -> u64 {
        cpu_ticks(self.id())
    }

    /// Kills it as a power cut would; proves that it was running until then.
    pub(crate) async fn kill(&mut self) {
        assert!(
            self.child.try_wait().unwrap().is_none(),
            "the server ended by itself"
        );
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same store and port.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.database, &self.setup, self.port, self.metrics_port);
        self.wait_until_it_answers().await;
    }

    /// Stops it in its tracks, or lets it go on.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    async fn wait_until_it_answers(&mut self) {
        let mut waited = Duration::ZERO;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "the server did not start"
            );
            assert!(waited < START_LIMIT, "the server does not answer");
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }
}

/// The CPU time of a process so far, in ticks of 10 ms: fields 14 and 15 of its `stat`.
#[allow(dead_code, reason = "not every suite asks for it")]
pub(crate) fn cpu_ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn spawn(database: &Database, setup: &Setup, port: u16, metrics_port: u16) -> Child {
    let mut command = match setup.descriptors {
        None => Command::new(program()),
        // The shell takes them away, and becomes the program.
        Some(descriptors) => {
            let mut shell = Command::new("sh");
            let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
            shell.args(["-c", &script]).arg(program());
            shell
        }
    };
    command
        .args(["serve", "--insecure-dev"])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--metrics-address", &format!("127.0.0.1:{metrics_port}")])
        .args(database.arguments())
        .args(&setup.arguments)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The program under test, beside this test's own folder.
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let found = own
        .ancestors()
        .nth(2)
        .map(|target| target.join("countersign"));
    let found = found.filter(|path: &PathBuf| Path::exists(path));
    found.expect("the program is not built: run `cargo build --workspace` first")
}

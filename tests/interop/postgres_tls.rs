//! The production setup asks PostgreSQL to prove that it is the server that is meant. A cluster of
//! its own speaks TLS here, so that each way to be somebody else can be tried.

use std::path::{Path, PathBuf};
use std::process::Output;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown, geteuid};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::process::Command;

use crate::process::program;
use crate::tool::{output, printed};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/postgres");

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A cluster whose server shows a certificate for a name.
struct Cluster {
    folder: PathBuf,
    port: String,
}

impl Cluster {
    async fn start(folder: PathBuf) -> Self {
        let mut start = Command::new(SCRIPT);
        start.arg("start").arg(&folder);
        let url = printed(start).await;
        let port = url.trim().rsplit(':').next().unwrap();
        let port = port.split('/').next().unwrap().to_owned();
        Self { folder, port }
    }

    /// Shows another certificate from now on; refuses whoever does not speak TLS.
    async fn show(&self, authority: &Authority, name: &str) {
        let data = self.folder.join("data");
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        write(&data.join("server.crt"), &certificate.pem());
        write(&data.join("server.key"), &key.serialize_pem());
        write(
            &data.join("pg_hba.conf"),
            "hostssl all all 127.0.0.1/32 trust\n",
        );
        let config = data.join("postgresql.conf");
        let mut text = std::fs::read_to_string(&config).unwrap();
        text.push_str("ssl = on\n");
        write(&config, &text);
        let process = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
        let process = process.lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(process), Signal::SIGHUP).unwrap();
    }

    /// Has the program prove the store, with this in its URL.
    async fn verify(&self, query: &str) -> Output {
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/postgres?{query}",
            self.port
        );
        let file = self.folder.join("url.txt");
        std::fs::write(&file, url).unwrap();
        let mut command = Command::new(program());
        command.arg("migrate").arg("--database-url-file").arg(&file);
        output(command).await
    }

    /// Waits until the server, which takes a new certificate a moment after it is told to, answers
    /// with one that is accepted.
    async fn accepted(&self, query: &str) {
        for _ in 0..100 {
            if self.verify(query).await.status.success() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{query}: {:?}", self.verify(query).await);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stop = std::process::Command::new(SCRIPT)
            .arg("stop")
            .arg(&self.folder)
            .status();
        assert!(stop.is_ok_and(|status| status.success()));
    }
}

/// Writes a file that the server reads, as it wants it.
fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    if geteuid().is_root() {
        let user = User::from_name("postgres").unwrap().unwrap();
        chown(path, Some(user.uid), Some(user.gid)).unwrap();
    }
}

fn root(folder: &Path, name: &str, authority: &Authority) -> String {
    let path = folder.join(name);
    std::fs::write(&path, authority.pem()).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_has_to_prove_who_it_is() {
    let files = tempfile::tempdir().unwrap();
    let (ours, other) = (authority(), authority());
    let trusted = root(files.path(), "ours.pem", &ours);
    let strange = root(files.path(), "other.pem", &other);
    let folder = std::env::temp_dir().join(format!("countersign-tls-{}", std::process::id()));
    let cluster = Cluster::start(folder).await;
    let full = |root: &str| format!("sslmode=verify-full&sslrootcert={root}");

    cluster.show(&ours, "127.0.0.1").await;
    cluster.accepted(&full(&trusted)).await;
    let refused = cluster.verify("sslmode=disable").await;
    assert!(!refused.status.success(), "TLS is asked for: {refused:?}");
    let refused = cluster.verify(&full(&strange)).await;
    assert!(!refused.status.success(), "another authority: {refused:?}");

    // Somebody else, with a certificate of the same authority for a name of their own.
    cluster.show(&ours, "db.example.com").await;
    let loose = format!("sslmode=verify-ca&sslrootcert={trusted}");
    for _ in 0..100 {
        if !cluster.verify(&full(&trusted)).await.status.success() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let refused = cluster.verify(&full(&trusted)).await;
    assert!(!refused.status.success(), "another name: {refused:?}");
    cluster.accepted(&loose).await;
}

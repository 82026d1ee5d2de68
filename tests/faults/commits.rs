//! The connection breaks while a commit is under way: the gate finds out what became of it, and its
//! answer is true.
//!
//! A proxy between the server and PostgreSQL cuts the connection at the commit, before it has
//! passed it on or after. Either way the caller is answered with OK, and the effect is there once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::load::{self, Ledger, approve, create};
use crate::process::{Database, Server};

const CUTS: u32 = 20;

/// What the proxy does at the next commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The database never sees the commit.
    Before,
    /// The database commits, and its answer is lost.
    After,
}

/// A proxy that cuts connections.
struct Proxy {
    /// How many commits are still to be cut.
    wanted: AtomicU32,
    /// How many were.
    done: AtomicU32,
    cut: Cut,
    database: String,
}

impl Proxy {
    /// Starts a proxy to the server of a database URL; answers with the URL through it.
    async fn start(url: &str, cut: Cut) -> (Arc<Self>, String) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let after_user = url.find('@').map_or("postgres://".len(), |at| at + 1);
        let end = after_user + url[after_user..].find('/').unwrap();
        let database = url[after_user..end].to_owned();
        let through = format!("{}{own}{}", &url[..after_user], &url[end..]);
        let (wanted, done) = (AtomicU32::new(0), AtomicU32::new(0));
        let proxy = Arc::new(Self {
            wanted,
            done,
            cut,
            database,
        });
        let serving = Arc::clone(&proxy);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = Arc::clone(&serving);
                tokio::spawn(async move { proxy.pass(client).await });
            }
        });
        (proxy, through)
    }

    /// Passes bytes on until one side ends, or a commit is to be cut. Dropping both sockets is the
    /// cut.
    async fn pass(&self, mut client: TcpStream) {
        let Ok(mut database) = TcpStream::connect(&self.database).await else {
            return;
        };
        let (mut said, mut answered) = ([0; 65_536], [0; 65_536]);
        loop {
            tokio::select! {
                read = client.read(&mut said) => {
                    let Ok(length @ 1..) = read else { return };
                    let commits = said[..length].windows(6).any(|part| part == b"COMMIT");
                    let cut = commits && self.takes_a_cut();
                    if cut && self.cut == Cut::Before {
                        return;
                    }
                    if database.write_all(&said[..length]).await.is_err() {
                        return;
                    }
                    if cut {
                        // Its answer says that it has committed; nobody else hears it.
                        drop(database.read(&mut answered).await);
                        return;
                    }
                }
                read = database.read(&mut answered) => {
                    let Ok(length @ 1..) = read else { return };
                    if client.write_all(&answered[..length]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn takes_a_cut(&self) -> bool {
        let one_less = |wanted: u32| wanted.checked_sub(1);
        let taken = self
            .wanted
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        if taken.is_ok() {
            self.done.fetch_add(1, Ordering::SeqCst);
        }
        taken.is_ok()
    }
}

async fn commits_are_cut(cut: Cut) {
    let database = Database::postgres().await;
    let Database::Postgres(url) = &database else {
        panic!("not PostgreSQL")
    };
    let (proxy, through) = Proxy::start(url, cut).await;
    let server = Server::start(&Database::Postgres(through)).await;
    load::policy(&server).await;
    let (orchestrator, alice) = (server.as_("orchestrator:ci"), server.as_("alice"));
    let ledger = Ledger::default();
    for number in 0..CUTS {
        let id = format!("cut-{number}");
        proxy.wanted.store(1, Ordering::SeqCst);
        let given = create(&orchestrator, &id).await.unwrap();
        assert_eq!(given, format!("CR-{}", number + 1), "one effect each");
        ledger.created.lock().unwrap().insert(id.clone(), given);
        proxy.wanted.store(1, Ordering::SeqCst);
        approve(&alice, &id).await.unwrap();
        ledger.approved.lock().unwrap().push(id);
    }
    let done = proxy.done.load(Ordering::SeqCst);
    println!("{done} commits were cut, {cut:?} the database saw them");
    assert_eq!(done, CUTS * 2, "the fault was active");
    load::check(&ledger, &server).await;
    database.verify().await;
}

mod cut_before {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::commits_are_cut(super::Cut::Before).await;
    }
}

mod cut_after {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::commits_are_cut(super::Cut::After).await;
    }
}

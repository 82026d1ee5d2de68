//! One attack from its begin to its end: a server, an honest caller, and what is measured.

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;

use super::honest::{Honest, ask, now};
use super::wire::{Io, Terms, Wire, tcp};
use crate::certificates::{Authority, Files};
use crate::process::{Database, Server, Setup};

/// How long an attack lasts at least, so that honest callers meet it.
pub(crate) const LASTS: Duration = Duration::from_millis(700);
/// How much memory an attack may leave a server with.
const GROWTH_LIMIT_KIB: f64 = 64.0 * 1_024.0;
/// How many calls a server has answered before it is measured: what is made once is made then.
const WARM_CALLS: usize = 100;

/// How long anything that is waited for may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What an attack comes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Plain,
    Tls,
}

/// An attack.
pub(crate) struct Attack {
    name: &'static str,
    over: Over,
    pub(crate) server: Server,
    authority: String,
    honest: Honest,
    before_kib: f64,
    began: Instant,
    /// How many of its calls may fail, if any.
    may_fail: bool,
    _folder: TempDir,
    _files: Files,
}

impl Attack {
    /// Starts a server that is told more, and an honest caller.
    pub(crate) async fn begin(name: &'static str, over: Over, more: &[&str]) -> Self {
        Self::begin_with(name, over, more, None).await
    }

    /// The same; the server may have so many file descriptors.
    pub(crate) async fn begin_with(
        name: &'static str,
        over: Over,
        more: &[&str],
        descriptors: Option<u32>,
    ) -> Self {
        let authority = Authority::new("one");
        let files = Files::new(&authority);
        let folder = tempfile::tempdir().unwrap();
        let mut setup = match over {
            Over::Tls => files.setup(&authority, more),
            Over::Plain => Setup {
                arguments: more.iter().map(ToString::to_string).collect(),
                ..Setup::default()
            },
        };
        setup.descriptors = descriptors;
        let server = Server::start_with(&Database::sqlite(&folder), setup).await;
        let warm = server.as_("root:ci");
        for _ in 0..WARM_CALLS {
            assert!(ask(&warm).await.is_some(), "{name}: the server serves");
        }
        let honest = Honest::begin(server.connector("root:ci"));
        Self {
            name,
            over,
            before_kib: server.resident_kib(),
            server,
            authority: authority.pem(),
            honest,
            began: now(),
            may_fail: false,
            _folder: folder,
            _files: files,
        }
    }

    /// While this attack runs, calls may fail: what counts is that the server serves again.
    pub(crate) fn calls_may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// A connection of bytes, as far as HTTP/2 begins.
    pub(crate) async fn io(&self) -> Box<dyn Io> {
        let stream = tcp(&self.server.address(), None).await.unwrap();
        match self.over {
            Over::Plain => Box::new(stream),
            Over::Tls => {
                let terms = Terms::honest(&self.authority);
                Box::new(terms.shake(stream).await.unwrap())
            }
        }
    }

    /// A connection that has greeted.
    pub(crate) async fn wire(&self) -> Wire {
        Wire::greet(self.io().await).await
    }

    /// Waits until a metric has at least a value.
    pub(crate) async fn until_metric(&self, name: &str, least: f64) {
        let waiting = async {
            while self.server.metric(name).await < least {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, waiting).await;
        waited.unwrap_or_else(|_| panic!("{}: {name} never was {least}", self.name));
    }

    /// Ends it: the server lives, is not much larger, and serves; says what was met.
    pub(crate) async fn end(self, told: &str) {
        let took = self.began.elapsed();
        let after_kib = self.server.resident_kib();
        let again = ask(&self.server.as_("root:ci")).await;
        let met = self.honest.end().await;
        let grown = after_kib - self.before_kib;
        println!(
            "{} ({:?}): {told}; in {took:.1?}; honest calls: {} of {} answered, worst {:.1?} over \
             a kept connection and {:.1?} over a new one; memory {:+.1} MiB to {:.1} MiB",
            self.name,
            self.over,
            met.calls - met.failed,
            met.calls,
            met.kept_worst,
            met.new_worst,
            grown / 1_024.0,
            after_kib / 1_024.0,
        );
        assert!(again.is_some(), "{}: the server serves no more", self.name);
        assert!(met.calls > 0, "{}: nobody has called", self.name);
        assert!(
            met.failed == 0 || self.may_fail,
            "{}: {} honest calls failed",
            self.name,
            met.failed
        );
        assert!(
            grown < GROWTH_LIMIT_KIB,
            "{}: memory grew by {grown} KiB",
            self.name
        );
    }
}

/// Lets this process have so many file descriptors, and servers that it starts.
pub(crate) fn need_descriptors(count: u64) {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if soft < count {
        setrlimit(Resource::RLIMIT_NOFILE, count.min(hard), hard).unwrap();
    }
    assert!(hard >= count, "ulimit -Hn is {hard}; needed: {count}");
}

//! File descriptors: each connection takes one, and by default a process may have few.

use countersign_server::Limits;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a server needs beside its connections: the store, the log, files that are read again.
const RESERVE: usize = 128;

/// Raises how many descriptors this process may have to what the limits need, as far as it may.
pub(crate) fn provide(limits: &Limits) {
    let needed = u64::try_from(limits.sockets() + RESERVE).unwrap_or(u64::MAX);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let found = if soft < needed {
        let wanted = needed.min(hard);
        match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
            Ok(()) => wanted,
            Err(_) => soft,
        }
    } else {
        soft
    };
    if found < needed {
        tracing::warn!(
            found,
            needed,
            "this process may not have as many file descriptors as connections are allowed; \
             raise the limit (ulimit -n, LimitNOFILE), or allow fewer with --max-connections"
        );
    }
}

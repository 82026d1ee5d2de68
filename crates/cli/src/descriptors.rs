//! File descriptors: each connection takes one, and by default a process may have few.

use countersign_server::Limits;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a server needs beside its connections: the store, the log, files that are read again.
const RESERVE: usize = 128;

/// Raises how many descriptors this process may have to what the limits need. If it may not have
/// so many, it takes fewer connections: the store shall not go without, because callers are many.
pub(crate) fn provide(limits: &mut Limits) {
    let needed = limits.sockets() + RESERVE;
    let Some(found) = raise(u64::try_from(needed).unwrap_or(u64::MAX)) else {
        return;
    };
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found >= needed {
        return;
    }
    limits.connections = fitting(found);
    tracing::warn!(
        found,
        needed,
        connections = limits.connections,
        "this process may not have a file descriptor for each connection, so it takes fewer; raise \
         the limit (ulimit -n, LimitNOFILE), or say so with --max-connections"
    );
}

/// How many descriptors this process may have after it has asked for so many.
fn raise(needed: u64) -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft >= needed {
        return Some(soft);
    }
    let wanted = needed.min(hard);
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => Some(wanted),
        Err(_) => Some(soft),
    }
}

/// How many connections so many descriptors allow, with their share of strangers.
fn fitting(found: usize) -> usize {
    let room = found.saturating_sub(RESERVE);
    (room / 5 * 4).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_the_store_its_descriptors() {
        for found in [0, 100, 200, 1_024, 4_096, 100_000] {
            let limits = Limits {
                connections: fitting(found),
                ..Limits::default()
            };
            let enough = limits.sockets() + RESERVE <= found;
            assert!(enough || limits.connections == 1, "{found}: {limits:?}");
        }
        assert_eq!(fitting(1_024), 716);
    }
}

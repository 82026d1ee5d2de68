//! What is told, and what is not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use countersign_domain::access::Principal;
use metrics::counter;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::budget::Budget;
use super::file::SecurityLogConfig;
use super::record::{Event, Record, Told};
use super::sink::{Sink, TELL_EVERY};
use super::tally::Tally;
use crate::auth::methods::Method;
use crate::edge::peer::Peer;

/// How long a read of the log waits for its line to be written.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// What is told of a call.
pub(crate) struct Call {
    /// What was called, if it exists.
    pub(crate) method: Option<&'static Method>,
    /// Who called, if a credential says so.
    pub(crate) caller: Option<Arc<Principal>>,
    /// From where.
    pub(crate) peer: Option<Peer>,
}

/// A read of the log could not be recorded, so it must not take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unrecorded;

/// The security log. Once it is dropped, what it took is written.
pub(crate) struct SecurityLog {
    budget: Budget,
    tally: Arc<Tally>,
    sink: Sink,
}

impl SecurityLog {
    /// Opens the file, if one is named, and starts to write.
    pub(crate) fn open(config: &SecurityLogConfig) -> io::Result<Self> {
        let tally = Arc::new(Tally::default());
        let sink = Sink::start(config, Arc::clone(&tally), TELL_EVERY)?;
        Ok(Self::new(tally, sink))
    }

    fn new(tally: Arc<Tally>, sink: Sink) -> Self {
        Self {
            budget: Budget::default(),
            tally,
            sink,
        }
    }

    /// Takes note of a call's end, if it was denied and asked for a change, or for the log.
    pub(crate) fn answered(&self, call: &Call, status: &Status, why: &'static str) {
        let watched = |method: &&Method| method.mutates || method.audited;
        if !is_denial(call, status) || call.method.as_ref().is_none_or(|it| !watched(it)) {
            return;
        }
        let info = status.get_details_error_info();
        let reason = info.map(|info| info.reason).unwrap_or_default();
        counter!(
            "countersign_security_events_total",
            "event" => "denied", "reason" => reason.clone(),
        )
        .increment(1);
        if self.budget.takes_denial(call) {
            let told = Told::of(call, &reason, why);
            self.sink.send(Record::now(Event::Denied(told)));
        } else {
            self.tally.suppress_denial();
        }
    }

    /// Takes note of a read of the log, and waits until that is written.
    pub(crate) async fn read(&self, call: &Call) -> Result<(), Unrecorded> {
        counter!(
            "countersign_security_events_total",
            "event" => "log_read", "reason" => "",
        )
        .increment(1);
        if !self.budget.takes_read(call) {
            // Who reads so much was told often enough, and the rest is counted.
            self.tally.suppress_read();
            return Ok(());
        }
        let record = Record::now(Event::LogRead(Told::of(call, "", "")));
        let written = self.sink.send_and_hear(record);
        match tokio::time::timeout(WRITE_LIMIT, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Unrecorded),
        }
    }
}

/// Whether a call was denied. What a caller may not see is told as not found; and who is nobody is
/// denied also where they were told to wait.
fn is_denial(call: &Call, status: &Status) -> bool {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied | Code::NotFound => true,
        Code::ResourceExhausted => call.caller.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{Receiver, sync_channel};

    use countersign_domain::Refusal;
    use countersign_domain::ids::CrPrefix;
    use serde_json::Value;
    use tempfile::TempDir;

    use super::super::budget::{CALLER_BURST, STRANGERS_BURST};
    use super::super::sink::Item;
    use super::*;
    use crate::auth::insecure_dev;
    use crate::auth::methods::find;
    use crate::fault::Fault;
    use crate::status::status;

    const APPROVE: &str = "/countersign.v1.ChangeRequestService/Approve";
    const LIST_ENTRIES: &str = "/countersign.v1.LogService/ListEntries";
    /// Small files, so that a flood would be seen to rotate them.
    const BYTES: u64 = 64 * 1_024;
    const FILES: usize = 2;

    fn opened(folder: &TempDir) -> (SecurityLog, PathBuf) {
        let file = folder.path().join("security.jsonl");
        let config = SecurityLogConfig {
            file: Some(file.clone()),
            bytes: BYTES,
            files: FILES,
        };
        (SecurityLog::open(&config).unwrap(), file)
    }

    /// A log whose thread takes nothing, and has room for this many.
    fn stuck(room: usize) -> (SecurityLog, Receiver<Item>) {
        let tally = Arc::new(Tally::default());
        let (sender, items) = sync_channel(room);
        let sink = Sink::of(sender, Arc::clone(&tally));
        (SecurityLog::new(tally, sink), items)
    }

    fn call(path: &str, bearer: Option<&str>, address: Ipv4Addr) -> Call {
        Call {
            method: find(path),
            caller: bearer.and_then(insecure_dev::principal).map(Arc::new),
            peer: Some(Peer {
                address: Some(SocketAddr::new(IpAddr::V4(address), 7)),
                certificate: None,
            }),
        }
    }

    fn denied(fault: &Fault) -> Status {
        status(fault, &CrPrefix::parse("CR").unwrap())
    }

    fn lines(file: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
        let fitting = lines.iter().filter(|line| line["event"] == event);
        fitting.collect()
    }

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    #[test]
    fn e2_a_denial_is_one_line_that_says_who_what_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = opened(&folder);
        let status = denied(&Refusal::CannotDecide.into());
        let call = call(APPROVE, Some("orchestrator:ci"), HERE);
        log.answered(&call, &status, "");
        drop(log);
        let found = lines(&file);
        let [line] = found.as_slice() else {
            panic!("{found:?}");
        };
        let told = |key: &str| line[key].as_str().unwrap().to_owned();
        assert_eq!(told("event"), "denied");
        assert_eq!(told("method"), APPROVE);
        assert_eq!(told("reason"), "CANNOT_DECIDE");
        assert_eq!(told("why"), "");
        assert_eq!(told("issuer"), "local");
        assert_eq!(told("subject"), "orchestrator:ci");
        assert_eq!(told("credential_kind"), "insecure_dev");
        assert_eq!(told("credential"), "orchestrator:ci");
        assert_eq!(told("peer"), "10.0.0.1");
        assert!(told("time").parse::<jiff::Timestamp>().is_ok());
        assert_eq!(line.as_object().unwrap().len(), 10);
    }

    #[test]
    fn e2_only_denials_that_matter_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = opened(&folder);
        let get = "/countersign.v1.ChangeRequestService/GetChangeRequest";
        let not_found = || -> Fault { Refusal::not_found("change request", "9").into() };
        let role = || Fault::RoleRequired {
            allowed: &[],
            found: BTreeSet::new(),
        };
        let alice = Some("alice");
        let rows = [
            (APPROVE, alice, not_found(), true),
            (APPROVE, alice, role(), true),
            (APPROVE, None, Fault::Unauthenticated, true),
            (APPROVE, None, Fault::TooManyBadLogins, true),
            (LIST_ENTRIES, alice, role(), true),
            (APPROVE, alice, Fault::MalformedRequest, false),
            (APPROVE, None, Fault::IdentityProviderUnavailable, false),
            (
                APPROVE,
                alice,
                Fault::TooManyCallsOfCaller { limit: 1 },
                false,
            ),
            (get, alice, not_found(), false),
            (get, None, Fault::Unauthenticated, false),
            ("/a/B", None, Fault::Unauthenticated, false),
        ];
        let mut expected = Vec::new();
        for (path, bearer, fault, told) in rows {
            let status = denied(&fault);
            log.answered(&call(path, bearer, HERE), &status, "");
            let info = status.get_details_error_info().unwrap();
            expected.extend(told.then_some(info.reason));
        }
        drop(log);
        let found = lines(&file);
        let found: Vec<&str> = found
            .iter()
            .map(|it| it["reason"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn abuse_a_flood_of_strangers_neither_fills_the_disk_nor_hides_what_matters() {
        const FLOOD: u64 = 1_000_000;
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = opened(&folder);
        let nobody = denied(&Fault::Unauthenticated);
        let honest = denied(&Refusal::CannotDecide.into());
        let reader = call(LIST_ENTRIES, Some("auditor:ann"), HERE);
        for number in 0..FLOOD {
            // From a hundred thousand addresses.
            let address = Ipv4Addr::from(u32::try_from(number % 100_000).unwrap());
            log.answered(&call(APPROVE, None, address), &nobody, "no credential");
            if number == FLOOD / 2 {
                log.answered(&call(APPROVE, Some("alice"), HERE), &honest, "");
                assert_eq!(log.read(&reader).await, Ok(()));
            }
        }
        drop(log);
        let found = lines(&file);
        let honest = |line: &&Value| line["subject"] == "alice";
        assert_eq!(found.iter().filter(honest).count(), 1);
        let reads = of(&found, "log_read");
        assert_eq!(reads.len(), 1);
        assert_eq!(reads[0]["subject"], "auditor:ann");
        let told = of(&found, "denied").len() - 1;
        let limit = usize::try_from(STRANGERS_BURST.get()).unwrap();
        assert!((limit..2 * limit).contains(&told), "{told}");
        let counts = of(&found, "suppressed");
        let counted = counts.iter().map(|line| line["count"].as_u64().unwrap());
        assert_eq!(counted.sum::<u64>() + u64::try_from(told).unwrap(), FLOOD);
        let of_reads = |line: &&Value| line["log_reads"] == 0 && line["lost"] == 0;
        assert!(counts.iter().all(of_reads));
        let on_disk = std::fs::read_dir(folder.path()).unwrap();
        let on_disk: u64 = on_disk
            .map(|it| it.unwrap().metadata().unwrap().len())
            .sum();
        assert!(on_disk < 3 * BYTES, "{on_disk}");
    }

    #[test]
    fn abuse_one_caller_cannot_hide_the_denials_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = opened(&folder);
        let status = denied(&Refusal::CannotDecide.into());
        let mallory = call(APPROVE, Some("mallory"), HERE);
        for _ in 0..10 * CALLER_BURST.get() {
            log.answered(&mallory, &status, "");
        }
        log.answered(&call(APPROVE, Some("alice"), HERE), &status, "");
        drop(log);
        let found = lines(&file);
        let of_subject = |subject: &str| {
            let fitting = found.iter().filter(|line| line["subject"] == subject);
            u32::try_from(fitting.count()).unwrap()
        };
        assert_eq!(of_subject("alice"), 1);
        let told = of_subject("mallory");
        assert!((CALLER_BURST.get()..2 * CALLER_BURST.get()).contains(&told));
        let counted = of(&found, "suppressed")[0]["count"].as_u64().unwrap();
        assert_eq!(
            counted + u64::from(told),
            10 * u64::from(CALLER_BURST.get())
        );
    }

    #[tokio::test]
    async fn a_read_is_written_before_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = opened(&folder);
        let reader = call(LIST_ENTRIES, Some("auditor:ann"), HERE);
        assert_eq!(log.read(&reader).await, Ok(()));
        assert_eq!(of(&lines(&file), "log_read").len(), 1);
    }

    #[tokio::test]
    async fn a_read_that_cannot_be_written_is_refused_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("logs");
        std::fs::create_dir(&inner).unwrap();
        let file = inner.join("security.jsonl");
        let config = SecurityLogConfig {
            file: Some(file.clone()),
            ..SecurityLogConfig::default()
        };
        let log = SecurityLog::open(&config).unwrap();
        std::fs::remove_dir_all(&inner).unwrap();
        let reader = call(LIST_ENTRIES, Some("auditor:ann"), HERE);
        assert_eq!(log.read(&reader).await, Err(Unrecorded));
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(log.read(&reader).await, Ok(()));
        drop(log);
        let found = lines(&file);
        assert_eq!(of(&found, "log_read").len(), 1);
        assert_eq!(of(&found, "suppressed")[0]["lost"], 1);
    }

    #[tokio::test]
    async fn where_the_queue_is_full_denials_go_on_and_reads_do_not() {
        let (log, items) = stuck(1);
        let status = denied(&Fault::Unauthenticated);
        for _ in 0..3 {
            log.answered(&call(APPROVE, None, HERE), &status, "");
        }
        let reader = call(LIST_ENTRIES, Some("auditor:ann"), HERE);
        assert_eq!(log.read(&reader).await, Err(Unrecorded));
        assert_eq!(items.try_iter().count(), 1);
        assert_eq!(log.tally.take().unwrap().lost, 3);
    }

    #[tokio::test]
    async fn without_a_file_calls_are_noted_all_the_same() {
        let log = SecurityLog::open(&SecurityLogConfig::default()).unwrap();
        let reader = call(LIST_ENTRIES, Some("auditor:ann"), HERE);
        assert_eq!(log.read(&reader).await, Ok(()));
        log.answered(
            &call(APPROVE, None, HERE),
            &denied(&Fault::Unauthenticated),
            "",
        );
    }
}

//! The metrics, and what each means.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Calls take from a fraction of a millisecond to as long as the store may keep them waiting.
const SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// How many commands one transaction may hold ends at 128.
const COMMANDS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// Begins to record the metrics of this process. Once per process: there is one recorder.
pub(crate) fn record() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), &COMMANDS)?
        .install_recorder()?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_counter!(
        "countersign_rpc_calls_total",
        "Calls, by method and gRPC code."
    );
    describe_histogram!(
        "countersign_rpc_seconds",
        Unit::Seconds,
        "How long calls took, by method; for streams, until they began."
    );
    describe_transport();
    describe_gauge!(
        "countersign_healthy",
        "1 while the store answers and the clock is right."
    );
    describe_access();
    describe_writer();
    describe_feed();
}

fn describe_transport() {
    describe_gauge!(
        "countersign_connections",
        "Open connections whose peer has greeted."
    );
    describe_counter!(
        "countersign_connections_refused_total",
        "Connections that were closed before they were served, by reason: `connections` and \
         `address` for the limits, `evicted` to make room for newer ones, `late`, `tls` and \
         `greeting` for handshakes."
    );
    describe_counter!(
        "countersign_accept_errors_total",
        "Connections that could not be accepted and had to wait, for example for a file descriptor."
    );
    describe_gauge!(
        "countersign_tls_certificate_expires_seconds",
        Unit::Seconds,
        "Until when the certificate of this server is good, as Unix time."
    );
    describe_counter!(
        "countersign_tls_reload_failures_total",
        "New TLS files that cannot be used; what was there before is used on."
    );
}

fn describe_access() {
    describe_counter!(
        "countersign_security_events_total",
        "What the security log was told, by event and reason, with what it left out."
    );
    describe_counter!(
        "countersign_security_suppressed_total",
        "Events that were only counted in the security log, because there were too many."
    );
    describe_counter!(
        "countersign_security_lost_total",
        "Lines of the security log that could not be written, by cause: look at the log."
    );
    describe_gauge!(
        "countersign_oidc_keys_age_seconds",
        Unit::Seconds,
        "How long ago the keys of the identity provider were read. An hour, and no login is good."
    );
    describe_counter!(
        "countersign_oidc_refreshes_total",
        "Reads of the keys of the identity provider, by outcome."
    );
}

fn describe_writer() {
    describe_gauge!("countersign_lane_commands", "Commands that wait, by lane.");
    describe_counter!("countersign_commands_total", "Commands that were decided.");
    describe_counter!(
        "countersign_log_entries_total",
        "Entries that were written."
    );
    describe_counter!(
        "countersign_broken_invariants_total",
        "Commands that were refused because their result broke an invariant: look at the log."
    );
    describe_histogram!(
        "countersign_transaction_commands",
        "Commands in one transaction."
    );
    describe_histogram!(
        "countersign_write_lock_wait_seconds",
        Unit::Seconds,
        "How long transactions waited for the write lock."
    );
}

fn describe_feed() {
    describe_gauge!("countersign_streams", "Open streams of states and signals.");
    describe_gauge!("countersign_log_streams", "Open streams of the log.");
    describe_gauge!(
        "countersign_log_head_sequence",
        "The newest entry of the log. Kept elsewhere, it shows a log that was cut."
    );
    describe_gauge!(
        "countersign_clock_behind_seconds",
        Unit::Seconds,
        "By how much the clock is behind the newest entry. More than 5, and no start is granted."
    );
    describe_histogram!(
        "countersign_sweep_lateness_seconds",
        Unit::Seconds,
        "How late what was due was settled."
    );
    describe_counter!(
        "countersign_settled_change_requests_total",
        "Change requests that were settled because time had come."
    );
}

//! The metrics, what each means, and their listener.

use std::net::SocketAddr;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

/// Offers the metrics of this process. Once per process: there is one recorder.
pub(crate) fn listen(address: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()?;
    describe();
    Ok(())
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
    describe_gauge!("countersign_connections", "Open connections.");
    describe_gauge!(
        "countersign_healthy",
        "1 while the store answers and the clock is right."
    );
    describe_writer();
    describe_feed();
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

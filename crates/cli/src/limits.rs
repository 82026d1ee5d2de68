//! The limits of `serve`, as options.

use std::time::Duration;

use clap::{Args, value_parser};
use countersign_server::Limits;

/// How much of everything the server takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitOptions {
    /// How many connections may be open at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 4_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// How many of them may come from one address, or from one IPv6 network of 64 bits. A proxy in
    /// front is one address.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    max_connections_per_address: u32,
    /// How many calls and streams one connection may carry at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    #[arg(value_parser = value_parser!(u32).range(1..=65_536))]
    max_streams_per_connection: u32,
    /// How many streams one caller may have open, over all connections.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    max_streams_per_caller: u32,
    /// How many calls one caller may make in a second; twice as many at once after a pause.
    #[arg(long, value_name = "COUNT", default_value_t = 5_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    max_calls_per_second: u32,
    /// How many logins of one address may be refused in a second; ten times as many at once
    /// after a pause.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    max_failed_logins_per_second: u32,
    /// The largest message, in bytes: 256 KiB.
    #[arg(long, value_name = "BYTES", default_value_t = 262_144)]
    #[arg(value_parser = value_parser!(u32).range(65_536..=16_777_216))]
    max_message_bytes: u32,
    /// The largest list of headers, in bytes: 16 KiB.
    #[arg(long, value_name = "BYTES", default_value_t = 16_384)]
    #[arg(value_parser = value_parser!(u32).range(4_096..=1_048_576))]
    max_header_bytes: u32,
    /// How many seconds a new connection may take for TLS and the greeting of HTTP/2 together.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = value_parser!(u64).range(1..=300))]
    handshake_seconds: u64,
    /// After how many seconds a silent connection is asked whether it is there.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = value_parser!(u64).range(1..=3_600))]
    keepalive_seconds: u64,
    /// After how many seconds, and at most twice as many, a connection is told to go. What it has
    /// open may go on.
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800)]
    #[arg(value_parser = value_parser!(u64).range(1..=2_592_000))]
    connection_age_seconds: u64,
}

impl LimitOptions {
    /// As the server takes them.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            connections: count(self.max_connections),
            connections_per_address: count(self.max_connections_per_address),
            streams_per_connection: self.max_streams_per_connection,
            message_bytes: count(self.max_message_bytes),
            header_bytes: self.max_header_bytes,
            handshake: Duration::from_secs(self.handshake_seconds),
            keepalive: Duration::from_secs(self.keepalive_seconds),
            connection_age: Duration::from_secs(self.connection_age_seconds),
            streams_per_caller: count(self.max_streams_per_caller),
            calls_per_second_per_caller: self.max_calls_per_second,
            failed_logins_per_second_per_address: self.max_failed_logins_per_second,
        }
    }
}

fn count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Verb};

    fn limits(options: &[&str]) -> Result<Limits, String> {
        let mut line = vec!["countersign", "serve", "--insecure-dev"];
        line.extend(options);
        match Arguments::try_parse_from(line) {
            Ok(Arguments {
                verb: Verb::Serve(serve),
            }) => Ok(serve.limits.limits()),
            Ok(_) => panic!("another verb"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_defaults_are_the_servers() {
        assert_eq!(limits(&[]), Ok(Limits::default()));
    }

    #[test]
    fn each_option_sets_its_own_limit() {
        let limits = limits(&[
            "--max-connections=1",
            "--max-connections-per-address=2",
            "--max-streams-per-connection=3",
            "--max-message-bytes=100000",
            "--max-header-bytes=5000",
            "--handshake-seconds=6",
            "--keepalive-seconds=7",
            "--connection-age-seconds=8",
            "--max-streams-per-caller=9",
            "--max-calls-per-second=10",
            "--max-failed-logins-per-second=11",
        ]);
        let expected = Limits {
            connections: 1,
            connections_per_address: 2,
            streams_per_connection: 3,
            message_bytes: 100_000,
            header_bytes: 5_000,
            handshake: Duration::from_secs(6),
            keepalive: Duration::from_secs(7),
            connection_age: Duration::from_secs(8),
            streams_per_caller: 9,
            calls_per_second_per_caller: 10,
            failed_logins_per_second_per_address: 11,
        };
        assert_eq!(limits, Ok(expected));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_is_allowed() {
        for (option, allowed) in [
            ("--max-connections=0", "1..=1000000"),
            ("--max-connections-per-address=0", "1..=1000000"),
            ("--max-streams-per-connection=70000", "1..=65536"),
            ("--max-message-bytes=1", "65536..=16777216"),
            ("--max-header-bytes=0", "4096..=1048576"),
            ("--handshake-seconds=0", "1..=300"),
            ("--keepalive-seconds=0", "1..=3600"),
            ("--connection-age-seconds=0", "1..=2592000"),
            ("--max-streams-per-caller=-1", "1..=1000000"),
            ("--max-calls-per-second=0", "1..=1000000"),
            ("--max-failed-logins-per-second=0", "1..=1000000"),
        ] {
            let said = limits(&[option]).unwrap_err();
            assert!(said.contains(allowed), "{said}");
        }
    }
}

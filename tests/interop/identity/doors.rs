//! What does not get as far as a credential, and addresses that are refused.

use std::process::Stdio;

use countersign_client::{Connection, reason};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::place::Place;
use super::scene::{LIMIT, nobody, who};
use crate::process::program;
use crate::tool::output;

const ISSUER: &str = "https://login.example.com";
/// What TLS tells a peer that does not speak it begins with this byte.
const ALERT: u8 = 0x15;

#[tokio::test]
async fn whoever_speaks_in_the_clear_hears_nothing() {
    let place = Place::new(ISSUER);
    let mut server = place.serve(&place.sqlite()).await;
    for greeting in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0",
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "\0\0\0\0\0\0\0\0\0\0",
    ] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(greeting.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        // It may also end the hard way.
        let end = timeout(LIMIT, stream.read_to_end(&mut heard)).await;
        end.expect("the connection is kept").ok();
        assert!(heard.first().is_none_or(|byte| *byte == ALERT), "{heard:?}");
        assert!(heard.len() <= 7, "more than an alert: {heard:?}");
    }
    let clear = Connection::new(&format!("http://{}", server.address()), "alice").unwrap();
    let status = who(&clear).await.unwrap_err();
    assert_eq!(reason(&status), None, "{status:?}");
    // Over TLS, the gate itself says no.
    nobody(&place.nobody(&server)).await;
    server.kill().await;
}

/// A server on all addresses, in the folder of a place.
fn exposed(place: &Place, options: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(["serve", "--listen", "0.0.0.0:0", "--sqlite", "exposed.db"])
        .args(options)
        .current_dir(place.path(""))
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn what_other_machines_reach_speaks_tls_and_believes_nobody() {
    let place = Place::new(ISSUER);
    let tls = ["--tls-cert", "server.pem", "--tls-key", "server.key"];
    let dev = [tls.as_slice(), &["--insecure-dev"]].concat();
    let rows: [(&[&str], &[&str]); 3] = [
        (
            &dev,
            &["insecure-dev refuses 0.0.0.0:0", "listen on 127.0.0.1"],
        ),
        (
            &["--insecure-dev", "--plaintext"],
            &["insecure-dev refuses 0.0.0.0:0", "listen on 127.0.0.1"],
        ),
        (&[], &["0.0.0.0:0", "--tls-cert", "--plaintext"]),
    ];
    for (options, expected) in rows {
        let ended = output(exposed(&place, options)).await;
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        for part in expected {
            assert!(said.contains(part), "no {part} in: {said}");
        }
        assert!(!place.path("exposed.db").exists(), "a store was made");
    }

    let mut serving = exposed(&place, &tls)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
    let line = line.expect("it has ended");
    assert!(
        line.starts_with("countersign is ready: listening on 0.0.0.0:"),
        "{line}"
    );
    serving.kill().await.unwrap();
}

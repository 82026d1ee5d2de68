//! The transport of a real server: TLS and its files, and how many connections there may be.
//!
//! - [`tls`]: what is spoken, and files that change while connections are open.
//! - [`clients`]: certificates that clients show.
//! - [`bounds`]: connections and strangers are bounded, old ones are told to go.

mod bounds;
mod clients;
mod tls;

use std::time::Duration;

use countersign_client::Connection;
use countersign_proto::v1::GetHeadRequest;
use tonic::Status;

use crate::process::Server;

/// How long anything that is waited for may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Makes a call that any reader may make.
async fn ask(connection: &Connection) -> Result<(), Status> {
    let mut log = connection.log();
    log.get_head(GetHeadRequest {}).await.map(drop)
}

/// Waits until a metric has at least a value.
async fn until_metric(server: &Server, name: &str, least: f64) {
    let waiting = async {
        while server.metric(name).await < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(LIMIT, waiting).await;
    waited.unwrap_or_else(|_| panic!("{name} never was {least}"));
}

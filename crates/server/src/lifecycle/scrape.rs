//! The metrics' listener. It answers whatever is asked with all metrics, and takes as little as it
//! can: few peers at a time, few bytes, little time, and a pause where accepting fails.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How many peers are answered at a time.
const PEERS: usize = 16;
/// How long a peer may take to ask and to hear.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest question.
const HEAD_BYTES: usize = 8 * 1_024;
/// How often histograms are tidied, so that what nobody reads does not grow.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);

/// Answers until it is stopped.
pub(crate) async fn serve(listener: TcpListener, page: PrometheusHandle, stop: CancellationToken) {
    let peers = Arc::new(Semaphore::new(PEERS));
    let answering = async {
        loop {
            let Ok(turn) = Arc::clone(&peers).acquire_owned().await else {
                return;
            };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // A lack of descriptors does not pass by asking again at once.
                Err(_) => {
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let page = page.clone();
            tokio::spawn(async move {
                let _turn = turn;
                let answered = timeout(LIMIT, answer(stream, || page.render())).await;
                if let Ok(Err(error)) = answered {
                    tracing::debug!(%error, "metrics could not be told");
                }
            });
        }
    };
    let upkeep = async {
        loop {
            sleep(UPKEEP_EVERY).await;
            page.run_upkeep();
        }
    };
    tokio::select! {
        () = answering => {}
        () = upkeep => {}
        () = stop.cancelled() => {}
    }
}

async fn answer(mut stream: TcpStream, page: impl FnOnce() -> String) -> io::Result<()> {
    hear(&mut stream).await?;
    let page = page();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}

/// Reads a question to the end of its head: whatever it is, the answer is the same.
async fn hear(stream: &mut TcpStream) -> io::Result<()> {
    let mut head: Vec<u8> = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        let mut part = [0; 1_024];
        let read = stream.read(&mut part).await?;
        if read == 0 || head.len() > HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend(&part[..read]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    async fn asked(question: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let page = PrometheusBuilder::new().build_recorder().handle();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, page, stop.clone()));
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(question.as_bytes()).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut heard = String::new();
        // One that is cut off hears nothing.
        let _ = peer.read_to_string(&mut heard).await;
        stop.cancel();
        serving.await.unwrap();
        heard
    }

    #[tokio::test]
    async fn a_question_is_answered_and_noise_is_not() {
        let heard = asked("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(heard.starts_with("HTTP/1.1 200 OK\r\n"), "{heard}");
        assert_eq!(asked("GET /metrics").await, "");
        assert_eq!(asked(&"x".repeat(3 * HEAD_BYTES)).await, "");
    }
}

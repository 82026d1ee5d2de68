//! Wake-ups from other processes.
//!
//! They carry no data: whoever is woken reads the log. Losing one costs latency only, because
//! readers also look from time to time.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::open::postgres;
use crate::{Store, StoreConfig, StoreError};

const CHANNEL: &str = "countersign_head";
const PAUSE: Duration = Duration::from_millis(500);

/// Wakes its holder when any process has written.
#[derive(Debug)]
pub struct HeadListener {
    woken: Arc<Notify>,
    task: AbortHandle,
}

impl HeadListener {
    /// Waits for a wake-up. Losing the connection, and having it again, are wake-ups as well: all
    /// of them mean "look". Several that come before the next call are one. May be cancelled.
    pub async fn changed(&mut self) {
        self.woken.notified().await;
    }
}

impl Drop for HeadListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Store {
    /// Wake-ups from other processes; SQLite has none.
    pub async fn listen(&self) -> Result<Option<HeadListener>, StoreError> {
        let StoreConfig::Postgres { url } = &self.inner.config else {
            return Ok(None);
        };
        let pool = postgres::listener_pool(url)?;
        let woken = Arc::new(Notify::new());
        // A task of its own, so that no call of the listener is ever cancelled half-way.
        let task = tokio::spawn(listen(pool, Arc::clone(&woken)));
        Ok(Some(HeadListener {
            woken,
            task: task.abort_handle(),
        }))
    }
}

async fn listen(pool: PgPool, woken: Arc<Notify>) {
    loop {
        if let Err(error) = listen_until_lost(&pool, &woken).await {
            tracing::debug!(%error, "the connection for notifications was lost");
        }
        woken.notify_one();
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_until_lost(pool: &PgPool, woken: &Notify) -> Result<(), sea_orm::SqlxError> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // Something may have been written before anybody listened.
    woken.notify_one();
    while listener.try_recv().await?.is_some() {
        woken.notify_one();
    }
    Ok(())
}

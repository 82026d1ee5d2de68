//! What a consumer is told.

use tonic::Status;

/// One thing that happened to a watch.
#[derive(Debug, Clone)]
pub enum Event<T> {
    /// Newer states, or the next entries.
    News(Vec<T>),
    /// Everything that was so when the stream began has been told: what was told is true as far as
    /// the server knows. Comes once after each time the stream was opened.
    Synced,
    /// The stream was lost; it is being opened again. What was told may no longer be true: start
    /// nothing until `Synced`.
    Lost(Status),
    /// The server does not know the position: this is another store, or the same one restored.
    /// Distrust what was told before; everything is told anew.
    Anew(Status),
}

/// Why nothing more will be told.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Over {
    /// The server has told everything that was asked for.
    #[error("the stream has told everything that was asked for")]
    Done,
    /// The server refused the stream, and asking again would not help.
    #[error("the server refused the stream")]
    Refused(#[source] Status),
}

//! Streams that play what a test wrote down: one session for each time they are opened.

use std::collections::VecDeque;
use std::time::Duration;

use countersign_proto::v1::log_service_server::LogService;
use countersign_proto::v1::*;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tonic::{Request, Response, Status};

use crate::world::World;

/// One thing that a stream does.
#[derive(Debug, Clone)]
pub(crate) enum Step<M> {
    Send(M),
    Wait(Duration),
    /// It ends with this status.
    Fail(Status),
}

/// What a stream does from its opening on. When nothing is left it ends with OK.
pub(crate) type Session<M> = Vec<Step<M>>;

/// The sessions of one kind of stream, and what they were asked for.
#[derive(Debug)]
pub(crate) struct Script<Q, M> {
    sessions: VecDeque<Result<Session<M>, Status>>,
    pub(crate) asked: Vec<Q>,
}

/// The scripts of a world.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    pub(crate) signals: Option<Script<WatchSignalsRequest, WatchSignalsResponse>>,
    pub(crate) status: Option<Script<WatchStatusRequest, WatchStatusResponse>>,
    pub(crate) log: Option<Script<WatchLogRequest, WatchLogResponse>>,
}

type Playing<M> = BoxStream<'static, Result<M, Status>>;

impl<Q, M: Send + 'static> Script<Q, M> {
    pub(crate) fn new(sessions: Vec<Result<Session<M>, Status>>) -> Option<Self> {
        let sessions = sessions.into();
        let asked = Vec::new();
        Some(Self { sessions, asked })
    }

    /// Plays the next session. After the last one the server is away.
    pub(crate) fn play(&mut self, request: Q) -> Result<Response<Playing<M>>, Status> {
        self.asked.push(request);
        let away = || Err(Status::unavailable("the script is over"));
        let session = self.sessions.pop_front().unwrap_or_else(away)?;
        let messages = stream::iter(session).filter_map(async |step| match step {
            Step::Send(message) => Some(Ok(message)),
            Step::Wait(time) => {
                tokio::time::sleep(time).await;
                None
            }
            Step::Fail(status) => Some(Err(status)),
        });
        Ok(Response::new(Box::pin(messages)))
    }
}

#[tonic::async_trait]
impl LogService for World {
    type WatchLogStream = Playing<WatchLogResponse>;

    async fn watch_log(
        &self,
        request: Request<WatchLogRequest>,
    ) -> Result<Response<Self::WatchLogStream>, Status> {
        let mut memory = self.memory();
        let script = memory.scripts.log.as_mut();
        script
            .expect("a script is given")
            .play(request.into_inner())
    }

    async fn list_entries(
        &self,
        _: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_head(
        &self,
        _: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn accept_clock(
        &self,
        _: Request<AcceptClockRequest>,
    ) -> Result<Response<AcceptClockResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

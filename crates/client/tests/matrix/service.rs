//! The honest gate's services, with what is broken in them.

use std::time::Duration;

use countersign_proto::v1::change_request_service_server::ChangeRequestService;
use countersign_proto::v1::runner_service_server::RunnerService;
use countersign_proto::v1::*;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tonic::{Request, Response, Status};

use crate::fault::{Broken, Fault, Spoil};
use crate::world::{HEARTBEAT, Memory, State, World};

/// So long nobody waits.
const FOR_EVER: Duration = Duration::from_secs(86_400);
/// After so many messages a stream is too old.
const MESSAGES_LIMIT: usize = 8;

/// What was drawn for the call.
#[derive(Clone, Copy)]
pub(crate) struct Drawn(pub(crate) Option<Fault>);

fn drawn<Q>(request: &Request<Q>) -> Option<Fault> {
    let drawn: Option<&Drawn> = request.extensions().get();
    drawn.expect("each call is drawn for").0
}

impl World {
    async fn unary<A>(
        &self,
        fault: Option<Fault>,
        act: impl FnOnce(&mut Memory) -> Result<A, Status>,
        spoil: impl FnOnce(Spoil, &mut A),
    ) -> Result<Response<A>, Status> {
        match fault {
            None | Some(Fault::At(..) | Fault::Wire(_)) => act(&mut self.memory()),
            Some(Fault::Code { code, effect }) => {
                let mut memory = self.memory();
                let answer = effect.then(|| act(&mut memory));
                memory.broke();
                drop(answer);
                Err(Status::new(code, "broken"))
            }
            Some(Fault::Withheld { effect }) => {
                {
                    let mut memory = self.memory();
                    drop(effect.then(|| act(&mut memory)));
                    memory.broke();
                }
                tokio::time::sleep(FOR_EVER).await;
                Err(Status::cancelled("nobody waits"))
            }
            Some(Fault::Spoilt(how)) => {
                let mut memory = self.memory();
                let mut answer = act(&mut memory)?;
                spoil(how, &mut answer);
                memory.broke();
                Ok(answer)
            }
        }
        .map(Response::new)
    }
}

#[tonic::async_trait]
impl RunnerService for World {
    type WatchSignalsStream = BoxStream<'static, Result<WatchSignalsResponse, Status>>;

    async fn watch_signals(
        &self,
        request: Request<WatchSignalsRequest>,
    ) -> Result<Response<Self::WatchSignalsStream>, Status> {
        let fault = drawn(&request);
        let request = request.into_inner();
        let scripted = self
            .memory()
            .scripts
            .signals
            .as_mut()
            .map(|it| it.play(request));
        if let Some(stream) = scripted {
            return stream;
        }
        let opened = self.unary(fault, |_| Ok(()), |_, ()| ()).await;
        // Changed messages are counted one by one.
        if let Some(Fault::Spoilt(_)) = fault {
            self.memory().plan.active -= 1;
        }
        opened?;
        let start = (self.clone(), 0, 0);
        let messages = stream::unfold(start, move |(world, place, told)| async move {
            let (message, told) = world.message(fault, place, told).await;
            Some((message, (world, place + 1, told)))
        });
        // Nothing follows an end.
        let messages = messages.scan(false, |over, message| {
            let goes_on = !std::mem::replace(over, !matches!(message, Some(Ok(_))));
            futures::future::ready(goes_on.then_some(message).flatten())
        });
        Ok(Response::new(messages.boxed()))
    }

    async fn start_task(
        &self,
        request: Request<StartTaskRequest>,
    ) -> Result<Response<StartTaskResponse>, Status> {
        let fault = drawn(&request);
        let claim = request.into_inner();
        let act = |memory: &mut Memory| {
            memory.start(&claim)?;
            if fault.is_none() {
                let start = (claim.task_id, claim.claim_id, claim.generation);
                memory.told.push(start);
            }
            let task = memory.task();
            Ok(StartTaskResponse { task })
        };
        let spoil = |how, answer: &mut StartTaskResponse| {
            if let Spoil::Start(change) = how {
                change(answer);
            }
        };
        self.unary(fault, act, spoil).await
    }

    async fn finish_task(
        &self,
        request: Request<FinishTaskRequest>,
    ) -> Result<Response<FinishTaskResponse>, Status> {
        let fault = drawn(&request);
        let report = request.into_inner();
        let act = |memory: &mut Memory| {
            memory.finish(&report.claim_id, report.outcome())?;
            let task = memory.task();
            Ok(FinishTaskResponse { task })
        };
        let spoil = |how, answer: &mut FinishTaskResponse| {
            if let Spoil::Finish(change) = how {
                change(answer);
            }
        };
        self.unary(fault, act, spoil).await
    }
}

impl World {
    /// The message at a place of the stream, or what is there instead, and what was told then.
    async fn message(
        &self,
        fault: Option<Fault>,
        place: usize,
        told: u64,
    ) -> (Option<Result<WatchSignalsResponse, Status>>, u64) {
        if place == 3 && self.memory().state == State::Held {
            // Once the runner has caught up, somebody approves.
            self.memory().clear();
        }
        match fault {
            Some(Fault::At(at, broken)) if at == place => {
                self.memory().broke();
                (broken_off(broken).await, told)
            }
            Some(Fault::Spoilt(Spoil::Signals(change))) => {
                let (honest, told) = self.honest_message(place, told).await;
                let mut changed = honest.clone();
                if let Ok(message) = &mut changed {
                    change(message);
                }
                if changed.as_ref().ok() != honest.as_ref().ok() {
                    self.memory().broke();
                }
                (Some(changed), told)
            }
            _ => {
                let (honest, told) = self.honest_message(place, told).await;
                (Some(honest), told)
            }
        }
    }

    /// The present signal, `synced`, then what is newer than what was told, or a heartbeat.
    async fn honest_message(
        &self,
        place: usize,
        told: u64,
    ) -> (Result<WatchSignalsResponse, Status>, u64) {
        if place >= MESSAGES_LIMIT {
            return (Err(Status::unavailable("too old")), told);
        }
        {
            let memory = self.memory();
            if place == 1 {
                let mark = Some(memory.mark(MarkKind::Synced));
                let signals = Vec::new();
                return (Ok(WatchSignalsResponse { signals, mark }), told);
            }
            if place == 0 || memory.sequence > told {
                let signals = memory.signal().into_iter().collect();
                let mark = None;
                let message = WatchSignalsResponse { signals, mark };
                return (Ok(message), memory.sequence);
            }
        }
        tokio::time::sleep(HEARTBEAT).await;
        let message = WatchSignalsResponse {
            signals: Vec::new(),
            mark: Some(self.memory().mark(MarkKind::Heartbeat)),
        };
        (Ok(message), told)
    }
}

async fn broken_off(how: Broken) -> Option<Result<WatchSignalsResponse, Status>> {
    match how {
        Broken::Code(code) => Some(Err(Status::new(code, "broken"))),
        Broken::Ended => None,
        Broken::Silent => {
            tokio::time::sleep(FOR_EVER).await;
            None
        }
    }
}

/// Methods that a gate's client never calls.
macro_rules! not_here {
    ($($method:ident: $request:ident => $response:ident,)*) => {
        #[tonic::async_trait]
        impl ChangeRequestService for World {
            type WatchStatusStream = BoxStream<'static, Result<WatchStatusResponse, Status>>;

            async fn create_change_request(
                &self,
                request: Request<CreateChangeRequestRequest>,
            ) -> Result<Response<CreateChangeRequestResponse>, Status> {
                let fault = drawn(&request);
                let spec = request.into_inner().task.unwrap_or_default();
                let act = |memory: &mut Memory| {
                    memory.create(spec)?;
                    let (task, change_request) = (memory.task(), memory.change_request());
                    let message = "Deployment blocked".to_owned();
                    Ok(CreateChangeRequestResponse { change_request, task, message })
                };
                let spoil = |how, answer: &mut CreateChangeRequestResponse| {
                    if let Spoil::Create(change) = how {
                        change(answer);
                    }
                };
                self.unary(fault, act, spoil).await
            }

            async fn watch_status(
                &self,
                request: Request<WatchStatusRequest>,
            ) -> Result<Response<Self::WatchStatusStream>, Status> {
                let mut memory = self.memory();
                let script = memory.scripts.status.as_mut();
                script.expect("a script is given").play(request.into_inner())
            }

            $(async fn $method(
                &self,
                _: Request<$request>,
            ) -> Result<Response<$response>, Status> {
                Err(Status::unimplemented("not here"))
            })*
        }
    };
}

not_here! {
    get_change_request: GetChangeRequestRequest => GetChangeRequestResponse,
    list_change_requests: ListChangeRequestsRequest => ListChangeRequestsResponse,
    get_task: GetTaskRequest => GetTaskResponse,
    list_tasks: ListTasksRequest => ListTasksResponse,
    approve: ApproveRequest => ApproveResponse,
    reject: RejectRequest => RejectResponse,
    revoke_approval: RevokeApprovalRequest => RevokeApprovalResponse,
    withdraw_task: WithdrawTaskRequest => WithdrawTaskResponse,
}

//! What every verb works with, and how verbs are run.

use std::collections::VecDeque;
use std::sync::Arc;

use countersign_domain::access::Principal;
use countersign_domain::batch::{Action, Answer, Command};
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrPrefix, TaskId};
use countersign_domain::log::RequestMark;
use countersign_domain::{Instant, Refusal};
use countersign_engine::{Engine, Failure, Mark, Subscription};
use countersign_proto::v1;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, unfold};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::auth::authenticator::Authenticator;
use crate::convert::log::show_mark;
use crate::convert::show::Show;
use crate::convert::token::Issuers;
use crate::edge::peer::Peer;
use crate::edge::streams::{OpenStream, StreamCounts};
use crate::fault::Fault;
use crate::status::status;

/// How many reads may be under way. Changes are bounded by the engine's lanes, each kind by its
/// own.
const READS_LIMIT: usize = 4_096;
/// How many of them ask the store at once; the others wait for their turn. The feed and the
/// scheduler ask the same store, and must not wait behind a storm of lists.
const READS_AT_ONCE: usize = 8;
/// How many streams may be opening at once. They wait for the feed, so they must not hold up reads;
/// their own reads wait for the feed's turns.
const OPENINGS_AT_ONCE: usize = 64;

/// Who calls.
pub(crate) type Caller = Arc<Principal>;

/// The messages of a stream.
pub(crate) type Stream<A> = BoxStream<'static, Result<A, Status>>;

/// The engine, and what is said about it on the wire.
#[derive(Clone)]
pub(crate) struct Gate {
    /// The engine.
    pub(crate) engine: Engine,
    prefix: Arc<CrPrefix>,
    authenticator: Arc<Authenticator>,
    reads: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    openings: Arc<Semaphore>,
    streams: StreamCounts,
}

impl Gate {
    /// A gate to an engine, for the callers that are let in here, each with so many streams.
    pub(crate) fn new(
        engine: Engine,
        authenticator: Arc<Authenticator>,
        streams_per_caller: usize,
    ) -> Self {
        Self {
            prefix: Arc::new(engine.prefix()),
            engine,
            authenticator,
            reads: Arc::new(Semaphore::new(READS_LIMIT)),
            turns: Arc::new(Semaphore::new(READS_AT_ONCE)),
            openings: Arc::new(Semaphore::new(OPENINGS_AT_ONCE)),
            streams: StreamCounts::new(streams_per_caller),
        }
    }

    /// What stands before numbers of change requests.
    pub(crate) fn prefix(&self) -> &CrPrefix {
        &self.prefix
    }

    /// The issuer that people are accepted from.
    pub(crate) fn people_issuer(&self) -> &str {
        self.authenticator.people_issuer()
    }

    /// From which issuers tokens may stand for whom.
    pub(crate) fn issuers(&self) -> Issuers<'_> {
        Issuers {
            people: self.authenticator.people_issuer(),
            provider: self.authenticator.provider(),
        }
    }

    /// How answers are written, judged by an instant.
    pub(crate) fn show(&self, now: Instant) -> Show<'_> {
        Show {
            prefix: &self.prefix,
            now,
        }
    }

    /// A change request as the log has it.
    pub(crate) fn change_request(&self, case: &Case, now: Instant) -> v1::ChangeRequest {
        self.show(now).change_request(case, &self.engine.view(case))
    }

    /// A task of a change request as the log has it.
    pub(crate) fn task(&self, case: &Case, id: &TaskId, now: Instant) -> Result<v1::Task, Fault> {
        let task = case
            .tasks
            .get(id)
            .ok_or_else(|| Refusal::task_not_found(id))?;
        Ok(self.show(now).task(case, task, &self.engine.standing(case)))
    }

    /// A mark as this server sends it.
    pub(crate) fn mark(&self, mark: &Mark) -> v1::Mark {
        let interval = self.engine.heartbeat().as_millis();
        show_mark(mark, u32::try_from(interval).unwrap_or(u32::MAX))
    }

    /// Has a command of a caller executed.
    pub(crate) async fn execute(
        &self,
        caller: &Caller,
        action: Action,
        request: Option<RequestMark>,
    ) -> Result<Answer, Fault> {
        let caller = Some(caller.as_ref().clone());
        Ok(self
            .engine
            .execute(Command {
                caller,
                action,
                request,
            })
            .await?)
    }

    /// Runs a verb that changes something.
    pub(crate) async fn change<Q, A, F>(
        &self,
        request: Request<Q>,
        verb: impl FnOnce(Self, Caller, Q) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<A, Fault>> + Send + 'static,
        A: Send + 'static,
    {
        let answer = match caller(&request) {
            Ok(caller) => finish(verb(self.clone(), caller, request.into_inner())).await,
            Err(fault) => Err(fault),
        };
        answer
            .map(Response::new)
            .map_err(|fault| self.status(&fault))
    }

    /// Runs a verb that only reads.
    pub(crate) async fn read<Q, A, F>(
        &self,
        request: Request<Q>,
        verb: impl FnOnce(Self, Caller, Q) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<A, Fault>> + Send + 'static,
        A: Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.reads).try_acquire_owned() else {
            return Err(self.status(&Fault::TooManyCalls { limit: READS_LIMIT }));
        };
        let turns = Arc::clone(&self.turns);
        let answer = self.in_turn(turns, request, verb).await;
        drop(permit);
        answer
    }

    /// Runs a verb that changes nothing, once it is its turn.
    async fn in_turn<Q, A, F>(
        &self,
        turns: Arc<Semaphore>,
        request: Request<Q>,
        verb: impl FnOnce(Self, Caller, Q) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<A, Fault>> + Send + 'static,
        A: Send + 'static,
    {
        self.change(request, |gate, caller, query| {
            let answer = verb(gate, caller, query);
            async move {
                // An error would say that the semaphore was closed, which nobody does.
                let turn = turns.acquire_owned().await.ok();
                let answer = answer.await;
                drop(turn);
                answer
            }
        })
        .await
    }

    /// Runs a verb that opens a stream; `show` makes messages of what comes.
    pub(crate) async fn stream<Q, M, A, F>(
        &self,
        request: Request<Q>,
        verb: impl FnOnce(Self, Caller, Q) -> F,
        show: fn(&Self, M) -> Vec<A>,
    ) -> Result<Response<Stream<A>>, Status>
    where
        F: Future<Output = Result<Subscription<M>, Fault>> + Send + 'static,
        M: Send + 'static,
        A: Send + 'static,
    {
        let caller = caller(&request).map_err(|fault| self.status(&fault))?;
        let open = self.streams.open(&caller.person);
        let open = open.map_err(|fault| self.status(&fault))?;
        let peer = request.extensions().get::<Peer>().cloned();
        let openings = Arc::clone(&self.openings);
        let opened = self.in_turn(openings, request, verb).await;
        let subscription = opened?.into_inner();
        let gate = self.clone();
        let authenticator = Arc::clone(&self.authenticator);
        let (ender, of) = (Arc::clone(&caller), peer.clone());
        let ended = async move { authenticator.ended(&ender, of.as_ref()).await };
        let feed = Feed {
            gate,
            subscription,
            show,
            waiting: VecDeque::new(),
            caller,
            peer,
            ended: Box::pin(ended),
            _open: open,
        };
        Ok(Response::new(Box::pin(unfold(Some(feed), next))))
    }

    /// The status of a fault.
    pub(crate) fn status(&self, fault: &Fault) -> Status {
        status(fault, &self.prefix)
    }
}

/// The caller, as the layer in front of all services knows it.
fn caller<Q>(request: &Request<Q>) -> Result<Caller, Fault> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or(Fault::Unauthenticated)
}

/// Runs a verb to its end, also when the caller has gone: dropping this drops the waiting only.
async fn finish<A, F>(verb: F) -> Result<A, Fault>
where
    F: Future<Output = Result<A, Fault>> + Send + 'static,
    A: Send + 'static,
{
    match tokio::spawn(verb.in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "a call panicked");
            Err(Failure::Internal.into())
        }
    }
}

/// A subscription on its way to the wire.
struct Feed<M, A> {
    gate: Gate,
    subscription: Subscription<M>,
    show: fn(&Gate, M) -> Vec<A>,
    waiting: VecDeque<A>,
    caller: Caller,
    peer: Option<Peer>,
    /// Ends when the credential of the caller does.
    ended: BoxFuture<'static, ()>,
    _open: OpenStream,
}

/// What a stream gives next, and what is left of it.
type Next<M, A> = Option<(Result<A, Status>, Option<Feed<M, A>>)>;

impl<M, A> Feed<M, A> {
    /// Whether the credential of the caller still is.
    fn is_good(&self) -> bool {
        let authenticator = &self.gate.authenticator;
        authenticator.is_good(&self.caller, self.peer.as_ref())
    }

    /// Ends the stream of a caller whose credential has ended.
    fn end(self) -> Next<M, A> {
        let status = self.gate.status(&Fault::Unauthenticated);
        Some((Err(status), None))
    }
}

/// The next message of a stream; after a failure nothing follows. Nothing is told any more to a
/// caller whose credential has ended.
async fn next<M, A>(feed: Option<Feed<M, A>>) -> Next<M, A> {
    let mut feed = feed?;
    loop {
        if !feed.waiting.is_empty() && !feed.is_good() {
            return feed.end();
        }
        if let Some(message) = feed.waiting.pop_front() {
            return Some((Ok(message), Some(feed)));
        }
        let message = tokio::select! {
            biased;
            () = &mut feed.ended => None,
            message = feed.subscription.next() => Some(message?),
        };
        let Some(message) = message.filter(|_| feed.is_good()) else {
            return feed.end();
        };
        match message {
            Ok(message) => feed.waiting.extend((feed.show)(&feed.gate, message)),
            Err(failure) => {
                let status = feed.gate.status(&failure.into());
                return Some((Err(status), None));
            }
        }
    }
}

/// The change request of an answer, with the instant it is true at.
pub(crate) fn case_of(answer: Answer) -> Result<(Arc<Case>, Instant), Fault> {
    match answer {
        Answer::Case { case, now, .. } => Ok((case, now)),
        other => Err(unexpected(&other)),
    }
}

/// An answer to another question than the one asked: a fault of this program.
pub(crate) fn unexpected(answer: &Answer) -> Fault {
    tracing::error!(?answer, "the engine answered another question");
    Failure::Internal.into()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn i20_a_caller_who_goes_away_cancels_nothing() {
        let (go, wait) = oneshot::channel::<()>();
        let (done, seen) = oneshot::channel::<()>();
        let verb = async move {
            drop(wait.await);
            Ok(done.send(()).is_ok())
        };
        let mut waiting = Box::pin(finish(verb));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(waiting);
        go.send(()).unwrap();
        assert!(seen.await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_fault() {
        let verb = async { if true { panic!("as tests do") } else { Ok(()) } };
        assert_eq!(finish(verb).await, Err(Failure::Internal.into()));
    }
}

//! What carries the answers is broken: HTTP answers of something in between, cut and mangled
//! bodies, at every message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tower::{Layer, Service};

use crate::cell::broken;
use crate::fault::{Cut, Fault, Rpc, Times, Wire};
use crate::service::Drawn;
use crate::world::World;

const OK: HeaderValue = HeaderValue::from_static("0");

/// In front of the services: draws the fault of each call, and breaks what is on the wire.
#[derive(Clone)]
pub(crate) struct Breaker<S> {
    inner: S,
    world: World,
}

impl Breaker<()> {
    pub(crate) fn layer<S>(world: World) -> impl Layer<S, Service = Breaker<S>> + Clone {
        tower::layer::layer_fn(move |inner| Breaker {
            inner,
            world: world.clone(),
        })
    }
}

impl<S> Service<Request<Body>> for Breaker<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let rpc = Rpc::of(request.uri().path());
        let fault = rpc.and_then(|rpc| self.world.memory().draw(rpc));
        request.extensions_mut().insert(Drawn(fault));
        let answer = self.inner.call(request);
        let world = self.world.clone();
        Box::pin(async move {
            let answer = answer.await?;
            Ok(match fault {
                Some(Fault::Wire(wire)) => break_answer(world, wire, answer),
                _ => answer,
            })
        })
    }
}

fn break_answer(world: World, wire: Wire, answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    match wire {
        Wire::Page(status) => {
            world.memory().broke();
            let page = Body::new("<html>not here</html>".to_owned());
            answer_with(status, page)
        }
        Wire::Bare(status) => {
            world.memory().broke();
            answer_with(status, Body::empty())
        }
        Wire::NoMessage => {
            world.memory().broke();
            parts.headers.insert("grpc-status", OK);
            Response::from_parts(parts, Body::empty())
        }
        Wire::Cut(..) | Wire::Status(_) | Wire::Message(_) => {
            let body = Broken {
                world,
                wire,
                inner: body,
                frames: 0,
                then: Vec::new(),
            };
            Response::from_parts(parts, Body::new(body))
        }
    }
}

fn answer_with(status: u16, body: Body) -> Response<Body> {
    let answer = Response::builder().status(status).body(body);
    answer.expect("a status and a body are an answer")
}

/// A body that breaks.
struct Broken {
    world: World,
    wire: Wire,
    inner: Body,
    frames: usize,
    /// What remains to be said, last first, once it has broken.
    then: Vec<Then>,
}

enum Then {
    End,
    Silence(Pin<Box<tokio::time::Sleep>>),
    Fail,
    Say(Frame<Bytes>),
}

type Said = Option<Result<Frame<Bytes>, tonic::Status>>;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Said> {
        if let Some(then) = self.then.pop() {
            return self.say(then, context);
        }
        let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = self.break_frame(frame?);
        match frame {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => match self.then.pop() {
                Some(then) => self.say(then, context),
                None => Poll::Ready(None),
            },
        }
    }
}

impl Broken {
    fn say(&mut self, then: Then, context: &mut Context<'_>) -> Poll<Said> {
        match then {
            Then::End => {
                self.then.push(Then::End);
                Poll::Ready(None)
            }
            Then::Silence(mut sleep) => {
                let over = sleep.as_mut().poll(context);
                self.then.push(Then::Silence(sleep));
                over.map(|()| None)
            }
            Then::Fail => {
                self.then.push(Then::End);
                Poll::Ready(Some(Err(tonic::Status::internal("broken"))))
            }
            Then::Say(frame) => Poll::Ready(Some(Ok(frame))),
        }
    }

    /// The frame that goes out instead; `None`: it has broken, see `then`.
    fn break_frame(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        match self.wire {
            Wire::Cut(after, cut) if self.frames == after => {
                self.world.memory().broke();
                self.then = rest(cut, frame);
                None
            }
            Wire::Status(text) if frame.is_trailers() => {
                self.world.memory().broke();
                let mut trailers = frame.into_trailers().ok()?;
                trailers.insert("grpc-status", HeaderValue::from_static(text));
                Some(Frame::trailers(trailers))
            }
            Wire::Message(bytes) if frame.is_data() => {
                self.world.memory().broke();
                Some(Frame::data(Bytes::from_static(bytes)))
            }
            Wire::Cut(..)
            | Wire::Status(_)
            | Wire::Message(_)
            | Wire::Page(_)
            | Wire::Bare(_)
            | Wire::NoMessage => {
                self.frames += 1;
                Some(frame)
            }
        }
    }
}

fn rest(cut: Cut, frame: Frame<Bytes>) -> Vec<Then> {
    let half = frame.into_data().ok().map(|data| {
        let half = data.slice(..data.len() / 2);
        Then::Say(Frame::data(half))
    });
    let status = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), OK)]);
    match cut {
        Cut::Reset => vec![Then::Fail],
        Cut::NoStatus => vec![Then::End],
        Cut::Half => {
            let mut then = vec![Then::End];
            // Cutting the status itself leaves none.
            if half.is_some() {
                then.push(Then::Say(Frame::trailers(status)));
            }
            then.extend(half);
            then
        }
        Cut::HalfReset => {
            let mut then = vec![Then::Fail];
            then.extend(half);
            then
        }
        Cut::Silent => {
            let sleep = tokio::time::sleep(Duration::from_secs(86_400));
            vec![Then::Silence(Box::pin(sleep))]
        }
    }
}

/// Mangled messages: five bytes of a header, then the message.
const MESSAGES: &[(&str, &[u8])] = &[
    ("no bytes", b""),
    ("half a header", b"\0\0\0"),
    ("an empty message", b"\0\0\0\0\0"),
    ("no protobuf", b"\0\0\0\0\x04\xff\xff\xff\xff"),
    ("shorter than it says", b"\0\0\0\0\x20ab"),
    ("far longer than allowed", b"\0\xff\xff\xff\xffab"),
    ("said to be compressed", b"\x01\0\0\0\x02ab"),
    ("an unknown flag", b"\x07\0\0\0\x02ab"),
    ("a page", b"<html>no</html>"),
];

const PAGES: [u16; 12] = [200, 204, 302, 400, 401, 403, 404, 429, 500, 502, 503, 504];
/// Without a page, these are read as the codes of refusals.
const FINAL_PAGES: [u16; 3] = [401, 403, 404];

fn check(name: &str, rpc: Rpc, wire: Wire, is_final: bool) -> usize {
    for times in Times::BOTH {
        let cell = broken(name, rpc, Fault::Wire(wire), times);
        let good = times == Times::Once && !is_final;
        if rpc == Rpc::Finish {
            assert_eq!(cell.finished, Some(good), "{name} {wire:?} {cell:?}");
        } else {
            assert_eq!(cell.is_granted(), good, "{name} {rpc:?} {wire:?} {cell:?}");
        }
    }
    2
}

#[test]
fn p8_something_in_between_answers() {
    let mut cells = 0;
    for rpc in Rpc::ALL {
        for status in PAGES {
            let is_final = FINAL_PAGES.contains(&status);
            cells += check("page", rpc, Wire::Page(status), false);
            cells += check("bare", rpc, Wire::Bare(status), is_final);
        }
        cells += check("no message", rpc, Wire::NoMessage, false);
    }
    println!("{cells} cells: 4 calls x 25 answers of something in between x once and always");
    assert_eq!(cells, 200);
}

#[test]
fn p8_bodies_break_off() {
    let mut cells = 0;
    for rpc in Rpc::ALL {
        for cut in Cut::ALL {
            cells += check("cut", rpc, Wire::Cut(0, cut), false);
            // Before the status of an answer. A stream has told all it needs to by then.
            if rpc != Rpc::Watch {
                cells += check("cut", rpc, Wire::Cut(1, cut), false);
                continue;
            }
            for times in Times::BOTH {
                let cell = broken("cut", rpc, Fault::Wire(Wire::Cut(1, cut)), times);
                assert!(cell.is_granted(), "{cut:?} {cell:?}");
                cells += 1;
            }
        }
    }
    println!("{cells} cells: 4 calls x 2 frames x 5 cuts x once and always");
    assert_eq!(cells, 80);
}

#[test]
fn p8_messages_and_statuses_are_mangled() {
    let mut cells = 0;
    for rpc in Rpc::ALL {
        for (name, bytes) in MESSAGES {
            cells += check(name, rpc, Wire::Message(bytes), false);
        }
        if rpc == Rpc::Watch {
            continue;
        }
        for status in ["99", "17", "-1", "x", "", "00", "2"] {
            cells += check("status", rpc, Wire::Status(status), false);
        }
    }
    println!("{cells} cells: 4 calls x 9 messages, 3 calls x 7 statuses, x once and always");
    assert_eq!(cells, 114);
}

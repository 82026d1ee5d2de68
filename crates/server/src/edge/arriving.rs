//! Requests whose bytes are still to come.
//!
//! To begin calls and never send their messages costs a caller nothing, and the server some memory
//! for each: the transport makes room for as many bytes as a message promises. So all such requests
//! together may weigh so much; above that, those that were begun first are refused. An honest
//! request is here for milliseconds. One that is refused before its bytes are asked for, for want
//! of a credential, never is.

use std::pin::Pin;
use std::task::{Context, Poll};

use countersign_domain::ids::CrPrefix;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use prost::bytes::Buf;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tower::{Layer, Service};

use super::waiting_room::{Guest, WaitingRoom};
use crate::fault::Fault;
use crate::status::status;

/// What all of them may take together, in bytes.
const WEIGHT_LIMIT: usize = 32 * 1_024 * 1_024;
/// What one takes without a byte of its message; measured.
const OWN_WEIGHT: usize = 16 * 1_024;
/// Before each message: a flag, and how many bytes it has.
const HEAD_BYTES: usize = 5;

/// Puts [`Arrivals`] around a service.
#[derive(Debug, Clone)]
pub(crate) struct ArrivalsLayer {
    room: WaitingRoom,
    prefix: CrPrefix,
    message_bytes: usize,
}

impl ArrivalsLayer {
    /// With numbers written like this, and messages of at most so many bytes.
    pub(crate) fn new(prefix: CrPrefix, message_bytes: usize) -> Self {
        Self {
            room: WaitingRoom::new(WEIGHT_LIMIT),
            prefix,
            message_bytes,
        }
    }
}

impl<S> Layer<S> for ArrivalsLayer {
    type Service = Arrivals<S>;

    fn layer(&self, inner: S) -> Arrivals<S> {
        Arrivals {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose requests may not stay half sent for ever.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals<S> {
    inner: S,
    layer: ArrivalsLayer,
}

impl<S, B> Service<Request<B>> for Arrivals<S>
where
    S: Service<Request<Arriving<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let layer = self.layer.clone();
        self.inner.call(request.map(|body| Arriving {
            body,
            layer,
            head: Vec::new(),
            received: 0,
            weight: OWN_WEIGHT,
            guest: None,
        }))
    }
}

/// A body that is still to come.
pub(crate) struct Arriving<B> {
    body: B,
    layer: ArrivalsLayer,
    /// As much of the first message's head as has come.
    head: Vec<u8>,
    received: usize,
    weight: usize,
    /// From when it was first waited for.
    guest: Option<Waiting>,
}

struct Waiting {
    guest: Guest,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<B> Arriving<B> {
    /// Weighs what has come, or what it promises if that is more.
    fn weigh(&mut self, data: &impl Buf) {
        let missing = HEAD_BYTES - self.head.len();
        self.head.extend(data.chunk().iter().take(missing));
        self.received += data.remaining();
        let promised = match *self.head {
            [_, a, b, c, d] => u32::from_be_bytes([a, b, c, d]),
            _ => 0,
        };
        // More than is allowed is refused at once.
        let promised = usize::try_from(promised).unwrap_or(usize::MAX);
        let bytes = promised.min(self.layer.message_bytes).max(self.received);
        let grown = (OWN_WEIGHT + bytes).saturating_sub(self.weight);
        self.weight += grown;
        if let Some(waiting) = &self.guest {
            waiting.guest.grow(grown);
        }
    }

    fn refusal(&self) -> Status {
        let limit = WEIGHT_LIMIT / OWN_WEIGHT;
        status(&Fault::TooManyCalls { limit }, &self.layer.prefix)
    }
}

impl<B> Body for Arriving<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            this.weigh(data);
        }
        match frame {
            Poll::Ready(frame) => Poll::Ready(frame.map(|it| it.map_err(Into::into))),
            Poll::Pending => {
                let (room, weight) = (&this.layer.room, this.weight);
                let waiting = this.guest.get_or_insert_with(|| {
                    let guest = room.enter(weight);
                    let evicted = Box::pin(guest.evicted().clone().cancelled_owned());
                    Waiting { guest, evicted }
                });
                let evicted = waiting.evicted.as_mut().poll(context);
                evicted.map(|()| Some(Err(this.refusal().into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use prost::bytes::Bytes;
    use tokio::sync::mpsc;
    use tonic::Code;

    use super::*;

    /// A body that a test sends.
    struct Sent(mpsc::UnboundedReceiver<Bytes>);

    impl Body for Sent {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let bytes = self.0.poll_recv(context);
            bytes.map(|it| it.map(|it| Ok(Frame::data(it))))
        }
    }

    fn arriving(layer: &ArrivalsLayer) -> (mpsc::UnboundedSender<Bytes>, Arriving<Sent>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let arriving = Arriving {
            body: Sent(receiver),
            layer: layer.clone(),
            head: Vec::new(),
            received: 0,
            weight: OWN_WEIGHT,
            guest: None,
        };
        (sender, arriving)
    }

    async fn next(body: &mut Arriving<Sent>) -> Option<Result<Bytes, Code>> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        Some(match frame {
            Ok(frame) => Ok(frame.into_data().unwrap()),
            Err(error) => Err(error.downcast::<Status>().unwrap().code()),
        })
    }

    #[tokio::test]
    async fn the_oldest_is_refused_when_too_much_is_half_sent() {
        let layer = ArrivalsLayer {
            room: WaitingRoom::new(2 * OWN_WEIGHT),
            ..ArrivalsLayer::new(CrPrefix::parse("CR").unwrap(), 1_000)
        };
        let (_first, mut oldest) = arriving(&layer);
        let waits = tokio::spawn(async move { next(&mut oldest).await });
        // Whatever was sent already waits for nothing.
        let (sender, mut quick) = arriving(&layer);
        sender.send(Bytes::from_static(b"all")).unwrap();
        drop(sender);
        tokio::task::yield_now().await;
        assert_eq!(next(&mut quick).await, Some(Ok(Bytes::from_static(b"all"))));
        assert_eq!(next(&mut quick).await, None);

        let mut later = Vec::new();
        for _ in 0..2 {
            let (sender, mut body) = arriving(&layer);
            let waiting = tokio::spawn(async move { next(&mut body).await });
            later.push((sender, waiting));
        }
        let refused = waits.await.unwrap();
        assert_eq!(refused, Some(Err(Code::ResourceExhausted)));
        for (sender, waiting) in later {
            sender.send(Bytes::from_static(b"late")).unwrap();
            let found = waiting.await.unwrap();
            assert_eq!(found, Some(Ok(Bytes::from_static(b"late"))));
        }
    }

    #[test]
    fn a_request_weighs_what_it_promises() {
        let layer = ArrivalsLayer::new(CrPrefix::parse("CR").unwrap(), 1_000);
        let rows: [(&[&[u8]], usize); 6] = [
            (&[&[0, 0, 0, 1, 0]], 256),
            (&[&[0, 0], &[0, 1], &[0, 7]], 256),
            (&[&[0, 255, 255, 255, 255]], 1_000),
            (&[&[0, 0, 0]], 3),
            (&[&[0, 0, 0, 0, 2], &[9; 300]], 305),
            (&[], 0),
        ];
        for (parts, bytes) in rows {
            let (_sender, mut body) = arriving(&layer);
            for part in parts {
                body.weigh(part);
            }
            assert_eq!(body.weight, OWN_WEIGHT + bytes, "{parts:?}");
        }
    }
}

//! Requests whose bytes are still to come.
//!
//! A caller that begins calls and never sends their messages costs it nothing, and the server some
//! memory for each. So all such requests together may weigh so much; above that, those that were
//! begun first are refused. An honest request is here for milliseconds. One that is refused before
//! its bytes are asked for, for want of a credential, never is.

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
const WEIGHT_LIMIT: usize = 16 * 1_024 * 1_024;
/// What one takes without a byte of its message; measured.
const OWN_WEIGHT: usize = 16 * 1_024;

/// Puts [`Arrivals`] around a service.
#[derive(Debug, Clone)]
pub(crate) struct ArrivalsLayer {
    room: WaitingRoom,
    prefix: CrPrefix,
}

impl ArrivalsLayer {
    /// With numbers written like this.
    pub(crate) fn new(prefix: CrPrefix) -> Self {
        let room = WaitingRoom::new(WEIGHT_LIMIT);
        Self { room, prefix }
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
            guest: None,
        }))
    }
}

/// A body that is still to come.
pub(crate) struct Arriving<B> {
    body: B,
    layer: ArrivalsLayer,
    /// From when it was first waited for.
    guest: Option<Waiting>,
}

struct Waiting {
    guest: Guest,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<B> Arriving<B> {
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
            && let (Some(data), Some(waiting)) = (frame.data_ref(), &this.guest)
        {
            waiting.guest.grow(data.remaining());
        }
        match frame {
            Poll::Ready(frame) => Poll::Ready(frame.map(|it| it.map_err(Into::into))),
            Poll::Pending => {
                let room = &this.layer.room;
                let waiting = this.guest.get_or_insert_with(|| {
                    let guest = room.enter(OWN_WEIGHT);
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
            prefix: CrPrefix::parse("CR").unwrap(),
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
}

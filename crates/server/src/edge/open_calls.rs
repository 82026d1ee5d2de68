//! How many calls of open methods are under way: whoever needs no credential must not take much.
//!
//! A call counts until the last byte of its answer has gone, because an answer that nobody reads
//! holds memory for as long.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::peer::neighbourhood;
use crate::fault::Fault;

/// How many there may be in all, and of one address: probes and dashboards watch few things.
const LIMIT: usize = 1_024;
const LIMIT_PER_ADDRESS: usize = 256;

/// Counts them. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenCalls(Arc<Mutex<HashMap<Option<IpAddr>, usize>>>);

/// One call, for as long as this lives.
#[derive(Debug)]
pub(crate) struct OpenCall {
    calls: OpenCalls,
    address: Option<IpAddr>,
}

impl OpenCalls {
    /// Counts one more, or refuses it.
    pub(crate) fn enter(&self, address: Option<IpAddr>) -> Result<OpenCall, Fault> {
        let address = address.map(neighbourhood);
        let mut open = self.open();
        let same = open.get(&address).copied().unwrap_or(0);
        for (found, limit) in [
            (same, LIMIT_PER_ADDRESS),
            (open.values().sum::<usize>(), LIMIT),
        ] {
            if found >= limit {
                return Err(Fault::TooManyCalls { limit });
            }
        }
        open.insert(address, same + 1);
        drop(open);
        Ok(OpenCall {
            calls: self.clone(),
            address,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut open = self.calls.open();
        if let Some(same) = open.get_mut(&self.address) {
            *same -= 1;
            if *same == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// A body that keeps a call open until it has ended or nobody wants it any more.
pub(crate) fn kept(body: Body, call: Option<OpenCall>) -> Body {
    match call {
        None => body,
        Some(call) => Body::new(Kept { body, _call: call }),
    }
}

struct Kept {
    body: Body,
    _call: OpenCall,
}

impl http_body::Body for Kept {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
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
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn unread() -> Body {
        Body::new(http_body_util::Full::new(prost::bytes::Bytes::from("x")))
    }

    #[test]
    fn abuse_open_methods_are_bounded_in_all_and_per_address() {
        let calls = OpenCalls::default();
        let enter = |from: Option<IpAddr>| calls.enter(from);
        let mut open: Vec<OpenCall> = (0..LIMIT_PER_ADDRESS)
            .map(|_| enter(address(1)).unwrap())
            .collect();
        let limit = LIMIT_PER_ADDRESS;
        let refused = enter(address(1)).unwrap_err();
        assert_eq!(refused, Fault::TooManyCalls { limit });
        for last in 2..=4 {
            open.extend((0..LIMIT_PER_ADDRESS).map(|_| enter(address(last)).unwrap()));
        }
        let refused = enter(address(5)).unwrap_err();
        assert_eq!(refused, Fault::TooManyCalls { limit: LIMIT });
        open.pop();
        let body = kept(unread(), Some(enter(address(5)).unwrap()));
        assert!(
            enter(address(6)).is_err(),
            "an answer that is not read counts"
        );
        drop(body);
        assert!(enter(address(6)).is_ok());
        drop(open);
        assert!(calls.open().is_empty());
    }
}

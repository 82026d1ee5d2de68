//! A panic is a fault of the server, told as one: without this, callers would see a cancelled call.

use std::any::Any;

use countersign_domain::ids::CrPrefix;
use countersign_engine::Failure;
use http::Response;
use tonic::body::Body;
use tower_http::catch_panic::ResponseForPanic;

use crate::status::status;

/// Makes the answer of a call that panicked.
#[derive(Debug, Clone)]
pub(crate) struct Panicked {
    prefix: CrPrefix,
}

impl Panicked {
    /// With numbers written like this.
    pub(crate) fn new(prefix: CrPrefix) -> Self {
        Self { prefix }
    }
}

impl ResponseForPanic for Panicked {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send>) -> Response<Body> {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no text");
        tracing::error!(panic = text, "a call panicked");
        status(&Failure::Internal.into(), &self.prefix).into_http()
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;

    #[test]
    fn what_a_panic_says_stays_here() {
        let mut panicked = Panicked::new(CrPrefix::parse("CR").unwrap());
        let answer = panicked.response_for_panic(Box::new("secret"));
        let status = answer.extensions().get::<Status>().unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
    }
}

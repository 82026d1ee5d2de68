//! Calls that are made from data.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_client::{BadAddress, Connection};
use http::uri::PathAndQuery;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use tonic::client::Grpc;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::Callers;
use crate::codec::DynamicCodec;
use crate::schema::{from_json, to_json};

/// No call takes longer; one that does has hung.
const LIMIT: Duration = Duration::from_secs(20);

/// Each code, as the documentation of gRPC spells it.
const CODES: &[(&str, Code)] = &[
    ("CANCELLED", Code::Cancelled),
    ("UNKNOWN", Code::Unknown),
    ("INVALID_ARGUMENT", Code::InvalidArgument),
    ("DEADLINE_EXCEEDED", Code::DeadlineExceeded),
    ("NOT_FOUND", Code::NotFound),
    ("ALREADY_EXISTS", Code::AlreadyExists),
    ("PERMISSION_DENIED", Code::PermissionDenied),
    ("RESOURCE_EXHAUSTED", Code::ResourceExhausted),
    ("FAILED_PRECONDITION", Code::FailedPrecondition),
    ("ABORTED", Code::Aborted),
    ("OUT_OF_RANGE", Code::OutOfRange),
    ("UNIMPLEMENTED", Code::Unimplemented),
    ("INTERNAL", Code::Internal),
    ("UNAVAILABLE", Code::Unavailable),
    ("DATA_LOSS", Code::DataLoss),
    ("UNAUTHENTICATED", Code::Unauthenticated),
];

/// Whether there is such a code, for a refusal.
pub(crate) fn is_code(name: &str) -> bool {
    CODES.iter().any(|(known, _)| *known == name)
}

/// Everybody's connection.
#[derive(Clone)]
pub(crate) struct Calls(BTreeMap<String, Connection>);

impl Calls {
    pub(crate) fn new(address: &str, callers: &Callers) -> Result<Self, BadAddress> {
        let connect = |(name, caller): (&str, &crate::callers::Caller)| {
            Ok((name.to_owned(), Connection::new(address, &caller.token)?))
        };
        callers
            .iter()
            .map(connect)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Calls a method that answers once.
    pub(crate) async fn unary(
        &self,
        caller: &str,
        method: &MethodDescriptor,
        request: &Value,
    ) -> Result<Value, Status> {
        let request = message(method, request)?;
        let (path, codec) = route(method)?;
        let calling = async {
            let mut grpc = self.ready(caller).await?;
            grpc.unary(Request::new(request), path, codec).await
        };
        let answer = tokio::time::timeout(LIMIT, calling).await;
        let answer = answer.map_err(|_| Status::deadline_exceeded("no answer came"))??;
        json_of(answer.get_ref())
    }

    /// Calls a method that answers with a stream.
    pub(crate) async fn stream(
        &self,
        caller: &str,
        method: &MethodDescriptor,
        request: &Value,
    ) -> Result<Streaming<DynamicMessage>, Status> {
        let request = message(method, request)?;
        let (path, codec) = route(method)?;
        let calling = async {
            let mut grpc = self.ready(caller).await?;
            grpc.server_streaming(Request::new(request), path, codec)
                .await
        };
        let answer = tokio::time::timeout(LIMIT, calling).await;
        let answer = answer.map_err(|_| Status::deadline_exceeded("no stream came"))??;
        Ok(answer.into_inner())
    }

    async fn ready(&self, caller: &str) -> Result<Grpc<countersign_client::Credentialed>, Status> {
        let connection = self.0.get(caller);
        let connection = connection.ok_or_else(|| Status::internal(format!("who is {caller}?")))?;
        let mut grpc = Grpc::new(connection.channel());
        let ready = grpc.ready().await;
        ready
            .map_err(|error| Status::unavailable(format!("the server is not reached: {error}")))?;
        Ok(grpc)
    }
}

fn message(method: &MethodDescriptor, request: &Value) -> Result<DynamicMessage, Status> {
    from_json(method.input(), request).map_err(|error| Status::internal(error.to_string()))
}

fn route(method: &MethodDescriptor) -> Result<(PathAndQuery, DynamicCodec), Status> {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = path
        .parse()
        .map_err(|_| Status::internal(format!("{path} is no path")))?;
    let answer = method.output();
    Ok((path, DynamicCodec { answer }))
}

/// A message that a server sent, as JSON.
pub(crate) fn json_of(message: &DynamicMessage) -> Result<Value, Status> {
    to_json(message).map_err(|error| Status::internal(format!("the answer is no JSON: {error}")))
}

/// A refusal, in the form in which a case expects one.
pub(crate) fn refusal(status: &Status) -> Value {
    let code = CODES.iter().find(|(_, code)| *code == status.code());
    let info = status.get_details_error_info();
    let (reason, metadata) = info.map(|it| (it.reason, it.metadata)).unwrap_or_default();
    json!({
        "code": code.map_or("OK", |(name, _)| name),
        "reason": reason,
        "rule": metadata.get("rule"),
        "metadata": metadata.into_iter().collect::<BTreeMap<_, _>>(),
        "message": status.message(),
    })
}

//! Calls as bytes, with whatever headers a test wants: any method can be called in one way, and
//! nothing that a client library does stands between.

use std::collections::{BTreeMap, BTreeSet};

use http::uri::PathAndQuery;
use prost::bytes::{Buf as _, BufMut as _};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use super::{Gate, LIMIT};

/// Leaves bytes as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

/// All that a caller learns from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// The reason in its ErrorInfo.
    pub(crate) reason: String,
    /// The facts in its ErrorInfo.
    pub(crate) facts: BTreeMap<String, String>,
    /// How long its details are: there is nothing else in them.
    details: usize,
    /// Which headers came with it.
    headers: BTreeSet<String>,
}

impl Told {
    /// The same, had it been asked about another name.
    pub(crate) fn about(&self, name: &str, other: &str) -> Self {
        let facts = self.facts.iter();
        Self {
            message: self.message.replace(name, other),
            facts: facts
                .map(|(key, value)| (key.clone(), value.replace(name, other)))
                .collect(),
            ..self.clone()
        }
    }
}

impl From<&Status> for Told {
    fn from(status: &Status) -> Self {
        let info = status.get_details_error_info();
        let facts = info.as_ref().map(|info| info.metadata.clone());
        let names = status.metadata().keys();
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason: info.map(|info| info.reason).unwrap_or_default(),
            facts: facts.unwrap_or_default().into_iter().collect(),
            details: status.details().len(),
            headers: names.map(|name| format!("{name:?}")).collect(),
        }
    }
}

/// Who makes raw calls: some headers, or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(pub(crate) MetadataMap);

impl Headers {
    /// With this `authorization`.
    pub(crate) fn authorization(text: &str) -> Self {
        let mut headers = MetadataMap::new();
        headers.insert("authorization", text.parse().unwrap());
        Self(headers)
    }
}

/// A connection for raw calls.
#[derive(Clone)]
pub(crate) struct Raw(Channel);

impl Gate {
    /// A connection for raw calls.
    pub(crate) fn raw(&self) -> Raw {
        Raw(self.channel())
    }
}

impl Raw {
    /// Sends one message, and opens whatever comes back. Every method can be called so: what tells
    /// a unary one from others is only how many messages come.
    pub(crate) async fn open(
        &self,
        path: &str,
        headers: &Headers,
        message: Vec<u8>,
    ) -> Result<Streaming<Vec<u8>>, Status> {
        let path: PathAndQuery = path.parse().unwrap();
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.unwrap();
        let mut request = Request::new(message);
        *request.metadata_mut() = headers.0.clone();
        let opening = grpc.server_streaming(request, path, Plain);
        let opened = tokio::time::timeout(LIMIT, opening).await;
        Ok(opened.expect("an answer comes in time")?.into_inner())
    }

    /// Sends one message, and reads messages up to one that `last` says yes to, or to the end.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: &Headers,
        message: Vec<u8>,
        last: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, Status> {
        let mut messages = self.open(path, headers, message).await?;
        let mut all = Vec::new();
        let reading = async {
            while let Some(message) = messages.message().await? {
                let is_last = last(&message);
                all.extend(message);
                if is_last {
                    break;
                }
            }
            Ok(all)
        };
        let read = tokio::time::timeout(LIMIT, reading).await;
        read.expect("the messages come in time")
    }
}

//! A connection with a credential.

use std::time::Duration;

use countersign_proto::v1::change_request_service_client::ChangeRequestServiceClient;
use countersign_proto::v1::freeze_service_client::FreezeServiceClient;
use countersign_proto::v1::log_service_client::LogServiceClient;
use countersign_proto::v1::policy_service_client::PolicyServiceClient;
use countersign_proto::v1::runner_service_client::RunnerServiceClient;
use countersign_proto::v1::team_service_client::TeamServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::Jitter;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Why an address or a credential cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAddress {
    /// The address is not one.
    #[error("found the address {address:?}; allowed: for example http://127.0.0.1:7733")]
    Address {
        /// What was found.
        address: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// The credential has characters that no header may have.
    #[error("the credential has characters that a header cannot carry")]
    Credential,
}

/// Puts the credential on each call.
#[derive(Clone)]
pub struct BearerToken(MetadataValue<Ascii>);

impl Interceptor for BearerToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A channel whose calls carry a credential.
pub type Credentialed = InterceptedService<Channel, BearerToken>;

/// A connection with a credential. It connects when it is first used, and again when it was lost.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    token: BearerToken,
    jitter: Jitter,
}

impl Connection {
    /// A connection to `address` as the bearer of `token`.
    pub fn new(address: &str, token: &str) -> Result<Self, BadAddress> {
        let endpoint =
            Endpoint::from_shared(address.to_owned()).map_err(|source| BadAddress::Address {
                address: address.to_owned(),
                source,
            })?;
        Self::over(Self::tuned(endpoint).connect_lazy(), token)
    }

    /// A connection over a channel that was made in another way, as the bearer of `token`. Make
    /// its endpoint with [`Connection::tuned`].
    pub fn over(channel: Channel, token: &str) -> Result<Self, BadAddress> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .map_err(|_| BadAddress::Credential)?;
        value.set_sensitive(true);
        Ok(Self {
            channel,
            token: BearerToken(value),
            jitter: Jitter::fresh(),
        })
    }

    /// An endpoint that notices within half a minute when nobody is there any more.
    pub fn tuned(endpoint: Endpoint) -> Endpoint {
        endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
    }

    /// Takes chance from another source, so that a seed replays all pauses.
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Where pauses before a repeat get their chance from.
    pub(crate) fn jitter(&self) -> Jitter {
        self.jitter.clone()
    }

    /// The channel itself, for calls that no generated client makes.
    pub fn channel(&self) -> Credentialed {
        InterceptedService::new(self.channel.clone(), self.token.clone())
    }

    /// Creates and shows change requests, and decides on them.
    pub fn change_requests(&self) -> ChangeRequestServiceClient<Credentialed> {
        ChangeRequestServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }

    /// Hears signals and claims starts.
    pub fn runner(&self) -> RunnerServiceClient<Credentialed> {
        RunnerServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }

    /// Keeps policies.
    pub fn policies(&self) -> PolicyServiceClient<Credentialed> {
        PolicyServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }

    /// Declares and lifts freezes.
    pub fn freezes(&self) -> FreezeServiceClient<Credentialed> {
        FreezeServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }

    /// Keeps teams.
    pub fn teams(&self) -> TeamServiceClient<Credentialed> {
        TeamServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }

    /// Reads the log.
    pub fn log(&self) -> LogServiceClient<Credentialed> {
        LogServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }
}

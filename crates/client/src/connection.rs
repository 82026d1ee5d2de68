//! A connection with a credential.

use std::time::Duration;

use countersign_proto::v1::access_service_client::AccessServiceClient;
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

use crate::{Jitter, Tls};

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
    /// The address is not one for TLS, so the credential would travel in the clear.
    #[error("found the address {address:?} for a connection over TLS; allowed: https://..")]
    Scheme {
        /// The address.
        address: String,
    },
    /// What was given for TLS cannot be used.
    #[error("TLS cannot be set up for {address:?}; certificates, authorities and keys are PEM")]
    Tls {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// The credential has characters that no header may have.
    #[error("the credential has characters that a header cannot carry")]
    Credential,
}

/// Puts the credential on each call, where there is one: a certificate is shown without.
#[derive(Clone)]
pub struct BearerToken(Option<MetadataValue<Ascii>>);

impl BearerToken {
    fn new(token: Option<&str>) -> Result<Self, BadAddress> {
        let Some(token) = token else {
            return Ok(Self(None));
        };
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .map_err(|_| BadAddress::Credential)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for BearerToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
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
    /// A connection to `address` as the bearer of `token`. An `https` address is one of a server
    /// that the authorities of browsers vouch for; else use [`Connection::secure`].
    pub fn new(address: &str, token: &str) -> Result<Self, BadAddress> {
        if is_https(&endpoint(address)?) {
            return Self::secure(address, Some(token), Tls::default());
        }
        Self::over(Self::tuned(endpoint(address)?).connect_lazy(), token)
    }

    /// A connection over TLS to `address`, for example `https://gate.example:7733`: as the bearer
    /// of `token`, or without one as whom the shown certificate says.
    pub fn secure(address: &str, token: Option<&str>, tls: Tls) -> Result<Self, BadAddress> {
        let bad = |source| BadAddress::Tls {
            address: address.to_owned(),
            source,
        };
        let endpoint = endpoint(address)?;
        if !is_https(&endpoint) {
            return Err(BadAddress::Scheme {
                address: address.to_owned(),
            });
        }
        let endpoint = endpoint.tls_config(tls.config()).map_err(bad)?;
        Ok(Self {
            channel: Self::tuned(endpoint).connect_lazy(),
            token: BearerToken::new(token)?,
            jitter: Jitter::fresh(),
        })
    }

    /// A connection over a channel that was made in another way, as the bearer of `token`. Make
    /// its endpoint with [`Connection::tuned`].
    pub fn over(channel: Channel, token: &str) -> Result<Self, BadAddress> {
        Ok(Self {
            channel,
            token: BearerToken::new(Some(token))?,
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

    /// Tells who calls, and keeps API tokens.
    pub fn access(&self) -> AccessServiceClient<Credentialed> {
        AccessServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }

    /// Reads the log.
    pub fn log(&self) -> LogServiceClient<Credentialed> {
        LogServiceClient::with_interceptor(self.channel.clone(), self.token.clone())
    }
}

fn endpoint(address: &str) -> Result<Endpoint, BadAddress> {
    Endpoint::from_shared(address.to_owned()).map_err(|source| BadAddress::Address {
        address: address.to_owned(),
        source,
    })
}

fn is_https(endpoint: &Endpoint) -> bool {
    endpoint.uri().scheme_str() == Some("https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_used_for_tls_is_said_at_once() {
        let secure = |address: &str, tls| Connection::secure(address, None, tls).err();
        let broken = Tls {
            identity: Some((b"none".to_vec(), b"none".to_vec())),
            ..Tls::default()
        };
        let found = secure("https://127.0.0.1:1", broken);
        assert!(matches!(found, Some(BadAddress::Tls { .. })), "{found:?}");
        // It would travel in the clear.
        let found = secure("http://127.0.0.1:1", Tls::default());
        assert!(
            matches!(found, Some(BadAddress::Scheme { .. })),
            "{found:?}"
        );
        assert!(secure("https://127.0.0.1:1", Tls::default()).is_none());
        assert!(Connection::new("https://127.0.0.1:1", "alice").is_ok());
    }

    #[test]
    fn a_call_without_a_token_carries_none() {
        for (token, found) in [(None, false), (Some("alice"), true)] {
            let mut bearer = BearerToken::new(token).unwrap();
            let request = bearer.call(Request::new(())).unwrap();
            let carried = request.metadata().get("authorization");
            assert_eq!(carried.is_some(), found);
        }
        let bad = BearerToken::new(Some("two\nlines"));
        assert!(matches!(bad.err(), Some(BadAddress::Credential)));
    }
}

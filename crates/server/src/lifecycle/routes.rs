//! All services behind their layers.

use countersign_proto::v1::access_service_server::AccessServiceServer;
use countersign_proto::v1::change_request_service_server::ChangeRequestServiceServer;
use countersign_proto::v1::freeze_service_server::FreezeServiceServer;
use countersign_proto::v1::log_service_server::LogServiceServer;
use countersign_proto::v1::policy_service_server::PolicyServiceServer;
use countersign_proto::v1::runner_service_server::RunnerServiceServer;
use countersign_proto::v1::team_service_server::TeamServiceServer;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_reflection::server::{Builder, Error};

use crate::rpc::access::Access;
use crate::rpc::change_request::ChangeRequests;
use crate::rpc::freeze::Freezes;
use crate::rpc::gate::Gate;
use crate::rpc::log::Log;
use crate::rpc::policy::Policies;
use crate::rpc::runner::Runners;
use crate::rpc::team::Teams;

/// The names under which health is told; the empty one stands for all.
pub(crate) const SERVICES: [&str; 8] = [
    "",
    <ChangeRequestServiceServer<ChangeRequests> as NamedService>::NAME,
    <RunnerServiceServer<Runners> as NamedService>::NAME,
    <PolicyServiceServer<Policies> as NamedService>::NAME,
    <FreezeServiceServer<Freezes> as NamedService>::NAME,
    <TeamServiceServer<Teams> as NamedService>::NAME,
    <LogServiceServer<Log> as NamedService>::NAME,
    <AccessServiceServer<Access> as NamedService>::NAME,
];

/// All services, each of which takes messages of at most so many bytes.
pub(crate) fn routes(
    gate: &Gate,
    health: HealthServer<impl Health>,
    limit: usize,
) -> Result<Routes, Error> {
    let change_requests = ChangeRequestServiceServer::new(ChangeRequests(gate.clone()));
    let runners = RunnerServiceServer::new(Runners(gate.clone()));
    let policies = PolicyServiceServer::new(Policies(gate.clone()));
    let freezes = FreezeServiceServer::new(Freezes(gate.clone()));
    let teams = TeamServiceServer::new(Teams(gate.clone()));
    let log = LogServiceServer::new(Log(gate.clone()));
    let access = AccessServiceServer::new(Access(gate.clone()));
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(change_requests.max_decoding_message_size(limit))
        .add_service(runners.max_decoding_message_size(limit))
        .add_service(policies.max_decoding_message_size(limit))
        .add_service(freezes.max_decoding_message_size(limit))
        .add_service(teams.max_decoding_message_size(limit))
        .add_service(log.max_decoding_message_size(limit))
        .add_service(access.max_decoding_message_size(limit))
        .add_service(health.max_decoding_message_size(limit))
        .add_service(reflection().build_v1()?.max_decoding_message_size(limit))
        .add_service(
            reflection()
                .build_v1alpha()?
                .max_decoding_message_size(limit),
        );
    Ok(routes.routes())
}

/// What both versions of reflection show. Each shows the other one too, because clients ask for
/// whatever is listed.
fn reflection() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(countersign_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_takes_all_descriptors() {
        assert!(reflection().build_v1().is_ok());
        assert!(reflection().build_v1alpha().is_ok());
    }

    #[test]
    fn health_is_told_for_every_service() {
        let ours = crate::auth::methods::METHODS
            .iter()
            .filter_map(|method| method.path.strip_prefix('/')?.split_once('/'))
            .map(|(service, _)| service)
            .filter(|service| service.starts_with("countersign."));
        for service in ours {
            assert!(SERVICES.contains(&service), "{service}");
        }
    }
}

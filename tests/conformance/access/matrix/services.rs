//! The table, service by service.

use super::callers::tokens;
use super::playing::plays;
use crate::gate::Setup;

on_both_stores! { with Setup::with_tokens(tokens);
    async fn i11_e1_every_caller_of_the_change_request_service(gate) {
        plays(gate, "/countersign.v1.ChangeRequestService/").await;
    }

    async fn i11_e1_p5_every_caller_of_the_runner_service(gate) {
        plays(gate, "/countersign.v1.RunnerService/").await;
    }

    async fn i11_e1_every_caller_of_the_policy_service(gate) {
        plays(gate, "/countersign.v1.PolicyService/").await;
    }

    async fn i11_e1_every_caller_of_the_freeze_service(gate) {
        plays(gate, "/countersign.v1.FreezeService/").await;
    }

    async fn i11_e1_every_caller_of_the_team_service(gate) {
        plays(gate, "/countersign.v1.TeamService/").await;
    }

    async fn i11_e1_every_caller_of_the_log_service(gate) {
        plays(gate, "/countersign.v1.LogService/").await;
    }

    async fn i11_e1_every_caller_of_the_access_service(gate) {
        plays(gate, "/countersign.v1.AccessService/").await;
    }

    async fn i11_e1_every_caller_of_health_and_reflection(gate) {
        plays(gate, "/grpc.").await;
    }
}

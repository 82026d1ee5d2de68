//! E1, E2: the code of each class of refusals, what a refusal says, and that it leaves nothing.

use countersign_proto::v1::{
    ApproveRequest, CreateChangeRequestRequest, CreateChangeRequestResponse,
    ListChangeRequestsRequest, TaskSpec, TaskState, WatchLogRequest,
};
use prost::Message;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use super::refusals::{Kinds, is_told, of_every_kind, stage};
use crate::gate::{Expect, Gate, PolicySpec, Refused, Setup, deployment, window};

const CREATE: &str = "/countersign.v1.ChangeRequestService/CreateChangeRequest";

/// Calls a method with whatever message, as whoever; answers how it is refused.
async fn raw<Q: Message + 'static>(gate: &Gate, path: &str, bearer: &str, message: Q) -> Refused {
    let mut request = Request::new(message);
    if !bearer.is_empty() {
        request
            .metadata_mut()
            .insert("authorization", bearer.parse().unwrap());
    }
    let mut grpc = Grpc::new(gate.channel());
    grpc.ready().await.unwrap();
    let path: PathAndQuery = path.parse().unwrap();
    let codec = ProstCodec::<Q, CreateChangeRequestResponse>::default();
    grpc.unary(request, path, codec)
        .await
        .expect_err("expected a refusal")
        .into()
}

/// All change requests.
fn everything() -> ListChangeRequestsRequest {
    ListChangeRequestsRequest::default()
}

on_both_stores! {
    async fn e1_every_class_has_its_code_and_every_refusal_its_reason(gate) {
        stage(gate).await;
        for (refused, code, reason) in of_every_kind(gate).await {
            is_told(&refused, code, reason);
        }
    }

    async fn e2_a_refused_command_leaves_no_entry(gate) {
        stage(gate).await;
        let entries = gate.entries().await;
        let before = gate.as_("alice").list(everything()).await.granted();
        of_every_kind(gate).await;
        assert_eq!(gate.entries().await, entries);
        assert_eq!(gate.as_("alice").list(everything()).await.granted(), before);
    }

    async fn e2_a_refusal_leaves_only_what_settling_did(gate) {
        gate.alice_approves().await;
        let opening = TaskSpec { window: window(gate.at(10), None), ..deployment("t1") };
        gate.approved(opening).await;
        let entries = gate.entries().await;
        gate.advance(10);
        gate.as_("mallory").approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        let written = gate.as_("auditor:audit").entries_from(entries + 1).await;
        let [cleared] = written.as_slice() else { panic!("one entry: {written:?}") };
        assert_eq!(cleared.event, "task.cleared");
        assert!(!cleared.body.contains("mallory"), "{cleared:?}");
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
    }

    async fn e2_a_refusal_says_what_was_found_and_what_is_allowed(gate) {
        stage(gate).await;
        let ended = gate.as_("bob").approve("rejected").await;
        let ended = ended.refused("CHANGE_REQUEST_ENDED", "D5");
        assert_eq!(ended.fact("change_request"), "CR-5");
        assert_eq!((ended.fact("found"), ended.fact("allowed")), ("REJECTED", "PENDING, APPROVED"));
        let late = gate.as_("alice").reject("running").await.refused("NOTHING_CAN_START", "D12");
        assert_eq!(late.fact("change_request"), "CR-3");
        assert_eq!(late.fact("allowed"), "PAUSED, CLEARED");
        let role = gate.as_("mallory").create(deployment("new")).await;
        let role = role.refused("ROLE_REQUIRED", "E1");
        assert_eq!(role.fact("allowed"), "orchestrator");
        let etag = ApproveRequest {
            change_request: "CR-1".to_owned(),
            etag: "stale".to_owned(),
            ..ApproveRequest::default()
        };
        let etag = gate.as_("alice").approve_with(etag).await.refused("ETAG_MISMATCH", "D11");
        let present = gate.orchestrator().change_request("CR-1").await.granted().etag;
        assert_eq!((etag.fact("named"), etag.fact("found")), ("stale", present.as_str()));
    }

    async fn e1_absent_and_unnamed_things_look_alike_to_everybody(gate) {
        stage(gate).await;
        for bearer in ["alice", "mallory", "orchestrator:deployer", "runner:web-1", "admin:root"] {
            let caller = gate.as_(bearer);
            for target in ["absent", "CR-99", "CR-18446744073709551615"] {
                let refused = caller.change_request(target).await.refused("NOT_FOUND", "E1");
                assert_eq!((refused.code, refused.fact("id")), (Code::NotFound, target));
            }
            caller.task("absent").await.refused("NOT_FOUND", "E1");
        }
    }

    async fn e1_a_call_without_a_good_credential_is_unauthenticated(gate) {
        let request = || CreateChangeRequestRequest {
            task: Some(deployment("t1")),
            validate_only: false,
        };
        let entries = gate.entries().await;
        for bearer in ["", "Bearer ", "Bearer", "orchestrator:ci", "Basic orchestrator:ci"] {
            let refused = raw(gate, CREATE, bearer, request()).await;
            is_told(&refused, Code::Unauthenticated, "UNAUTHENTICATED");
            assert!(!refused.message.contains("orchestrator"), "{refused:?}");
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_what_is_no_method_or_no_message_is_told_so(gate) {
        let bearer = "Bearer orchestrator:ci";
        let nothing = || WatchLogRequest { start: None };
        for path in ["/countersign.v1.ChangeRequestService/Purge", "/x/y", "/"] {
            let refused = raw(gate, path, bearer, nothing()).await;
            is_told(&refused, Code::Unimplemented, "UNKNOWN_METHOD");
            assert_eq!(refused.fact("method"), path);
        }
        // Field 1 as a number where a message belongs.
        let number = prost_types::Timestamp { seconds: 1, nanos: 1 };
        let refused = raw(gate, CREATE, bearer, number).await;
        is_told(&refused, Code::InvalidArgument, "MALFORMED_REQUEST");
        let description = "x".repeat(256 * 1_024);
        let task = Some(TaskSpec { description, ..deployment("t1") });
        let large = CreateChangeRequestRequest { task, validate_only: false };
        let refused = raw(gate, CREATE, bearer, large).await;
        is_told(&refused, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
        assert_eq!(refused.fact("limit"), (256 * 1_024).to_string());
    }

    async fn e1_a_used_request_id_is_refused_for_other_content(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("t1")).await;
        let request = |comment: &str| ApproveRequest {
            change_request: "t1".to_owned(),
            comment: comment.to_owned(),
            request_id: "r-1".to_owned(),
            ..ApproveRequest::default()
        };
        let alice = gate.as_("alice");
        alice.approve_with(request("fine")).await.granted();
        alice.approve_with(request("fine")).await.granted();
        let entries = gate.entries().await;
        let refused = alice.approve_with(request("other")).await;
        let refused = refused.refused("REQUEST_ID_REUSED", "E1");
        assert_eq!((refused.code, refused.fact("request_id")), (Code::AlreadyExists, "r-1"));
        assert_eq!(gate.entries().await, entries);
    }
}

on_both_stores! {
    with Setup { configure: |config| config.lane_capacity = 0, ..Setup::default() };

    async fn e1_a_full_lane_refuses_and_nothing_happens(gate) {
        let entries = gate.entries().await;
        let mut kinds = Kinds::default();
        let full = Code::ResourceExhausted;
        let policy = PolicySpec::new("prod").users(&["alice"]);
        kinds.add(full, "LANE_FULL", gate.orchestrator().create(deployment("t1")).await);
        kinds.add(full, "LANE_FULL", gate.as_("alice").approve("t1").await);
        kinds.add(full, "LANE_FULL", gate.as_("alice").reject("t1").await);
        kinds.add(full, "LANE_FULL", gate.admin().policy(policy).await);
        let lanes = ["new", "go", "stop", "go"];
        for ((refused, code, reason), lane) in kinds.0.into_iter().zip(lanes) {
            is_told(&refused, code, reason);
            assert_eq!((refused.fact("lane"), refused.fact("limit")), (lane, "0"));
        }
        assert_eq!(gate.entries().await, entries);
    }
}

on_both_stores! {
    async fn e1_a_stopped_server_is_unavailable(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let runner = gate.runner();
        gate.restart().await;
        // The old address serves nobody any more; whatever the transport says is no grant.
        let refused = runner.start("t1", 1, "claim").await.expect_err("no server");
        assert_eq!(refused.code, Code::Unavailable, "{refused:?}");
        assert_eq!(gate.task("t1").await.state(), TaskState::Cleared);
    }
}

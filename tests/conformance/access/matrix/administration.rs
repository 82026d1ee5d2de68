//! What calls say about policies, freezes, teams, the log and tokens, and to the services that are
//! everybody's.

use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{
    AcceptClockRequest, AggregateKind, CreateFreezeRequest, CreatePolicyRequest, CreateTeamRequest,
    CreateTokenRequest, DeleteFreezeRequest, DeletePolicyRequest, DeleteTeamRequest,
    GetFreezeRequest, GetPolicyRequest, GetTeamRequest, GetTokenRequest, LiftFreezeRequest,
    ListEntriesRequest, ListFreezesRequest, ListPoliciesRequest, ListTeamsRequest,
    ListTokensRequest, Policy, PreviewScheduleRequest, PrincipalKind, RevokeTokenRequest, Token,
    UpdateFreezeRequest, UpdatePolicyRequest, UpdateTeamRequest, WatchLogRequest,
};
use prost::Message;
use prost_types::Timestamp;

use crate::gate::{FreezeSpec, PolicySpec, mask, person, team};

const PAGE_SIZE: u32 = 200;
/// 2026-12-01T00:00:00Z: some days after the beginning of every test.
const DAYS_LATER: i64 = 1_796_083_200;

/// An empty message.
pub(super) fn nothing(_: &str) -> Vec<u8> {
    Vec::new()
}

fn policy(id: &str) -> Policy {
    let policy = PolicySpec::new(id).only(&["web"], &["*"]);
    policy
        .users(&["alice"])
        .with(|it| "Other.".clone_into(&mut it.description))
        .build()
}

fn freeze(id: &str) -> countersign_proto::v1::Freeze {
    let freeze = FreezeSpec::new(id).only(&["web"], &["*"]);
    freeze
        .with(|it| "Others are not here.".clone_into(&mut it.reason))
        .build()
}

fn policy_creation(id: &str, validate_only: bool) -> Vec<u8> {
    let request = CreatePolicyRequest {
        policy: Some(policy(id)),
        validate_only,
        ..CreatePolicyRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn create_policy(id: &str) -> Vec<u8> {
    policy_creation(id, false)
}

pub(super) fn try_policy(id: &str) -> Vec<u8> {
    policy_creation(id, true)
}

pub(super) fn get_policy(id: &str) -> Vec<u8> {
    let policy_id = id.to_owned();
    GetPolicyRequest { policy_id }.encode_to_vec()
}

pub(super) fn list_policies(_: &str) -> Vec<u8> {
    let request = ListPoliciesRequest {
        page_size: PAGE_SIZE,
        page_token: String::new(),
    };
    request.encode_to_vec()
}

fn policy_update(id: &str, validate_only: bool) -> Vec<u8> {
    let request = UpdatePolicyRequest {
        policy: Some(policy(id)),
        update_mask: mask(&["description"]),
        validate_only,
        ..UpdatePolicyRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn update_policy(id: &str) -> Vec<u8> {
    policy_update(id, false)
}

pub(super) fn try_policy_update(id: &str) -> Vec<u8> {
    policy_update(id, true)
}

pub(super) fn delete_policy(id: &str) -> Vec<u8> {
    let request = DeletePolicyRequest {
        policy_id: id.to_owned(),
        ..DeletePolicyRequest::default()
    };
    request.encode_to_vec()
}

fn schedule(subject: Subject) -> Vec<u8> {
    let request = PreviewScheduleRequest {
        subject: Some(subject),
        ..PreviewScheduleRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn preview_policy(id: &str) -> Vec<u8> {
    schedule(Subject::PolicyId(id.to_owned()))
}

pub(super) fn preview_freeze(id: &str) -> Vec<u8> {
    schedule(Subject::FreezeId(id.to_owned()))
}

pub(super) fn preview_task(id: &str) -> Vec<u8> {
    schedule(Subject::TaskId(id.to_owned()))
}

/// Of windows that are nowhere kept.
pub(super) fn preview_windows(_: &str) -> Vec<u8> {
    schedule(Subject::Policy(Policy::default()))
}

fn freeze_creation(id: &str, validate_only: bool) -> Vec<u8> {
    let request = CreateFreezeRequest {
        freeze: Some(freeze(id)),
        validate_only,
        ..CreateFreezeRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn create_freeze(id: &str) -> Vec<u8> {
    freeze_creation(id, false)
}

pub(super) fn try_freeze(id: &str) -> Vec<u8> {
    freeze_creation(id, true)
}

pub(super) fn get_freeze(id: &str) -> Vec<u8> {
    let freeze_id = id.to_owned();
    GetFreezeRequest { freeze_id }.encode_to_vec()
}

pub(super) fn list_freezes(_: &str) -> Vec<u8> {
    let request = ListFreezesRequest {
        page_size: PAGE_SIZE,
        ..ListFreezesRequest::default()
    };
    request.encode_to_vec()
}

fn freeze_update(id: &str, validate_only: bool) -> Vec<u8> {
    let request = UpdateFreezeRequest {
        freeze: Some(freeze(id)),
        update_mask: mask(&["reason"]),
        validate_only,
        ..UpdateFreezeRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn update_freeze(id: &str) -> Vec<u8> {
    freeze_update(id, false)
}

pub(super) fn try_freeze_update(id: &str) -> Vec<u8> {
    freeze_update(id, true)
}

pub(super) fn delete_freeze(id: &str) -> Vec<u8> {
    let request = DeleteFreezeRequest {
        freeze_id: id.to_owned(),
        ..DeleteFreezeRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn lift_freeze(id: &str) -> Vec<u8> {
    let request = LiftFreezeRequest {
        freeze_id: id.to_owned(),
        ..LiftFreezeRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn create_team(id: &str) -> Vec<u8> {
    let request = CreateTeamRequest {
        team: Some(team(id, &["alice"])),
        request_id: String::new(),
    };
    request.encode_to_vec()
}

pub(super) fn get_team(id: &str) -> Vec<u8> {
    let team_id = id.to_owned();
    GetTeamRequest { team_id }.encode_to_vec()
}

pub(super) fn list_teams(_: &str) -> Vec<u8> {
    let request = ListTeamsRequest {
        page_size: PAGE_SIZE,
        page_token: String::new(),
    };
    request.encode_to_vec()
}

pub(super) fn update_team(id: &str) -> Vec<u8> {
    let request = UpdateTeamRequest {
        team: Some(team(id, &["bob"])),
        update_mask: mask(&["members"]),
        ..UpdateTeamRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn delete_team(id: &str) -> Vec<u8> {
    let request = DeleteTeamRequest {
        team_id: id.to_owned(),
        ..DeleteTeamRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn list_entries(id: &str) -> Vec<u8> {
    let request = ListEntriesRequest {
        aggregate: AggregateKind::Task.into(),
        aggregate_id: id.to_owned(),
        ..ListEntriesRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn watch_log(_: &str) -> Vec<u8> {
    let start = Some(Start::FromSequence(1));
    WatchLogRequest { start }.encode_to_vec()
}

pub(super) fn accept_clock(_: &str) -> Vec<u8> {
    let request = AcceptClockRequest {
        comment: "It was wrong.".to_owned(),
        request_id: String::new(),
    };
    request.encode_to_vec()
}

pub(super) fn create_token(id: &str) -> Vec<u8> {
    let token = Token {
        id: id.to_owned(),
        kind: PrincipalKind::Person.into(),
        person: Some(person("bob")),
        projects: vec!["*".to_owned()],
        environments: vec!["*".to_owned()],
        expires_at: Some(Timestamp {
            seconds: DAYS_LATER,
            nanos: 0,
        }),
        ..Token::default()
    };
    CreateTokenRequest { token: Some(token) }.encode_to_vec()
}

pub(super) fn get_token(id: &str) -> Vec<u8> {
    let token_id = id.to_owned();
    GetTokenRequest { token_id }.encode_to_vec()
}

pub(super) fn list_tokens(_: &str) -> Vec<u8> {
    let request = ListTokensRequest {
        page_size: PAGE_SIZE,
        ..ListTokensRequest::default()
    };
    request.encode_to_vec()
}

pub(super) fn revoke_token(id: &str) -> Vec<u8> {
    let request = RevokeTokenRequest {
        token_id: id.to_owned(),
        comment: String::new(),
    };
    request.encode_to_vec()
}

/// What both versions of reflection take for the question which services there are.
#[derive(Message)]
struct ListServices {
    #[prost(string, tag = "7")]
    list_services: String,
}

pub(super) fn list_services(_: &str) -> Vec<u8> {
    let list_services = "*".to_owned();
    ListServices { list_services }.encode_to_vec()
}

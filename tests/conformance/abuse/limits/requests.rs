//! The ids that make repeated calls of administrators safe.

use countersign_proto::v1::{
    CreateFreezeRequest, CreatePolicyRequest, CreateTeamRequest, DeleteFreezeRequest,
    DeletePolicyRequest, DeleteTeamRequest, LiftFreezeRequest, UpdateFreezeRequest,
    UpdatePolicyRequest, UpdateTeamRequest,
};

use super::super::call::{ADMIN, Call, ask};
use super::{Row, at_most, request};
use crate::gate::{FreezeSpec, PolicySpec, mask, team};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = requests_about_policies();
    rows.extend(requests_about_freezes());
    rows.extend(requests_about_teams());
    rows
}

fn requests_about_policies() -> Vec<Row> {
    vec![
        at_most("CreatePolicyRequest.request_id", "request_id", 200, |n| {
            let policy = PolicySpec::new(&format!("new-{n}")).only(&["none"], &["none"]);
            ask!(
                "PolicyService/CreatePolicy",
                ADMIN,
                CreatePolicyRequest {
                    policy: Some(policy.users(&["alice"]).build()),
                    request_id: request('f', n)
                }
            )
        }),
        at_most("UpdatePolicyRequest.request_id", "request_id", 200, |n| {
            ask!(
                "PolicyService/UpdatePolicy",
                ADMIN,
                UpdatePolicyRequest {
                    policy: Some(PolicySpec::new("kept").build()),
                    update_mask: mask(&["block_creator"]),
                    request_id: request('g', n)
                }
            )
        }),
        at_most("DeletePolicyRequest.request_id", "request_id", 200, |n| {
            ask!(
                "PolicyService/DeletePolicy",
                ADMIN,
                DeletePolicyRequest {
                    policy_id: format!("old-{n}"),
                    request_id: request('h', n)
                }
            )
        }),
    ]
}

fn requests_about_freezes() -> Vec<Row> {
    vec![
        at_most("CreateFreezeRequest.request_id", "request_id", 200, |n| {
            let freeze = FreezeSpec::new(&format!("new-{n}")).only(&["none"], &["none"]);
            ask!(
                "FreezeService/CreateFreeze",
                ADMIN,
                CreateFreezeRequest {
                    freeze: Some(freeze.build()),
                    request_id: request('i', n)
                }
            )
        }),
        at_most("UpdateFreezeRequest.request_id", "request_id", 200, |n| {
            ask!(
                "FreezeService/UpdateFreeze",
                ADMIN,
                UpdateFreezeRequest {
                    freeze: Some(FreezeSpec::new("kept").build()),
                    update_mask: mask(&["reason"]),
                    request_id: request('j', n)
                }
            )
        }),
        at_most("LiftFreezeRequest.request_id", "request_id", 200, |n| {
            ask!(
                "FreezeService/LiftFreeze",
                ADMIN,
                LiftFreezeRequest {
                    freeze_id: "kept".to_owned(),
                    request_id: request('k', n)
                }
            )
        }),
        at_most("DeleteFreezeRequest.request_id", "request_id", 200, |n| {
            ask!(
                "FreezeService/DeleteFreeze",
                ADMIN,
                DeleteFreezeRequest {
                    freeze_id: format!("old-{n}"),
                    request_id: request('l', n)
                }
            )
        }),
    ]
}

fn requests_about_teams() -> Vec<Row> {
    vec![
        at_most("CreateTeamRequest.request_id", "request_id", 200, |n| {
            let team = team(&format!("new-{n}"), &["alice"]);
            ask!(
                "TeamService/CreateTeam",
                ADMIN,
                CreateTeamRequest {
                    team: Some(team),
                    request_id: request('m', n)
                }
            )
        }),
        at_most("UpdateTeamRequest.request_id", "request_id", 200, |n| {
            ask!(
                "TeamService/UpdateTeam",
                ADMIN,
                UpdateTeamRequest {
                    team: Some(team("kept", &["bob"])),
                    update_mask: mask(&["members"]),
                    request_id: request('n', n)
                }
            )
        }),
        at_most("DeleteTeamRequest.request_id", "request_id", 200, |n| {
            ask!(
                "TeamService/DeleteTeam",
                ADMIN,
                DeleteTeamRequest {
                    team_id: format!("old-{n}"),
                    request_id: request('o', n)
                }
            )
        }),
    ]
}

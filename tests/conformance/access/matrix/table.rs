//! The table: one row for each method, and one more for each kind of object that it treats in
//! another way.

use super::objects::Object;
use super::{administration as admin, requests as ask};

/// One row.
pub(super) struct Row {
    /// The path of the method.
    pub(super) method: &'static str,
    /// What the call is about.
    pub(super) object: Object,
    /// The request about an object of this name.
    pub(super) request: fn(&str) -> Vec<u8>,
    /// What the callers of `callers::ROLES` are answered, if their grant covers the object.
    pub(super) inside: &'static str,
    /// The same, if it does not.
    pub(super) outside: &'static str,
    /// Whether a credential is needed.
    pub(super) open: bool,
}

/// What is answered.
///
/// | letter | answer |
/// |---|---|
/// | `*` | OK, and it tells of the object |
/// | `+` | OK, and an answer to this call names nothing |
/// | `-` | OK, and it does not tell of it, where it could |
/// | `U` | no credential that is accepted: alike for all callers and methods |
/// | `R` | another role is needed |
/// | `N` | not found: like an object that does not exist |
/// | `G` | outside the grant |
/// | `D` | such a credential never decides |
/// | `A` | not an approver |
/// | `C` | neither an orchestrator nor the creator |
/// | `T` | nothing of the caller's own to take back |
/// | `K` | somebody else's claim |
pub(super) fn letter(reason: &str) -> Option<char> {
    Some(match reason {
        "UNAUTHENTICATED" => 'U',
        "ROLE_REQUIRED" => 'R',
        "NOT_FOUND" => 'N',
        "OUTSIDE_GRANT" => 'G',
        "CANNOT_DECIDE" => 'D',
        "NOT_AN_APPROVER" => 'A',
        "NOT_THE_CREATOR" => 'C',
        "NOTHING_TO_REVOKE" => 'T',
        "CLAIM_TAKEN" => 'K',
        _ => return None,
    })
}

const fn row(
    method: &'static str,
    object: Object,
    request: fn(&str) -> Vec<u8>,
    inside: &'static str,
    outside: &'static str,
) -> Row {
    Row {
        method,
        object,
        request,
        inside,
        outside,
        open: false,
    }
}

const fn open(method: &'static str, request: fn(&str) -> Vec<u8>) -> Row {
    Row {
        open: true,
        ..row(method, Object::Nothing, request, ALL, ALL)
    }
}

const ALL: &str = "********";
const ALL_SILENT: &str = "++++++++";
const NONE_FOUND: &str = "NNNNNNNN";
const NONE_SEEN: &str = "--------";

/// In the order of `callers::ROLES`: a person who approves, an orchestrator, the runner that the
/// task names, another runner, a policy administrator, an auditor, an operator, an access
/// administrator.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("/countersign.v1.ChangeRequestService/CreateChangeRequest",
        Object::Name, ask::create, "R*RRRRRR", "RGRRRRRR"),
    row("/countersign.v1.ChangeRequestService/CreateChangeRequest",
        Object::Name, ask::preview, "R*RRRRRR", "RGRRRRRR"),
    row("/countersign.v1.ChangeRequestService/GetChangeRequest",
        Object::Waiting, ask::get_change_request, ALL, NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/GetChangeRequest",
        Object::ChangeRequest, ask::get_change_request, ALL, NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/ListChangeRequests",
        Object::Waiting, ask::list_change_requests, ALL, NONE_SEEN),
    row("/countersign.v1.ChangeRequestService/GetTask",
        Object::Waiting, ask::get_task, ALL, NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/ListTasks",
        Object::Waiting, ask::list_tasks, ALL, NONE_SEEN),
    row("/countersign.v1.ChangeRequestService/Approve",
        Object::Waiting, ask::approve, "*DDDAAAA", NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/Approve",
        Object::ChangeRequest, ask::approve, "*DDDAAAA", NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/Reject",
        Object::Waiting, ask::reject, "*DDDAAAA", NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/Reject",
        Object::ChangeRequest, ask::reject, "*DDDAAAA", NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/RevokeApproval",
        Object::Cleared, ask::revoke_approval, "*DDDTTTT", NONE_FOUND),
    // The runner that a task names knows of it, whatever its grant says (P5).
    row("/countersign.v1.ChangeRequestService/WithdrawTask",
        Object::Waiting, ask::withdraw, "C*CCCCCC", "NNCNNNNN"),
    row("/countersign.v1.ChangeRequestService/WithdrawTask",
        Object::WaitingForAnyRunner, ask::withdraw, "C*CCCCCC", NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/WatchStatus",
        Object::Waiting, ask::watch_status, ALL, NONE_FOUND),
    row("/countersign.v1.ChangeRequestService/WatchStatus",
        Object::Waiting, ask::watch_project, ALL, NONE_SEEN),

    // A task that names a runner is that runner's, whatever its grant says (P5).
    row("/countersign.v1.RunnerService/WatchSignals",
        Object::Waiting, ask::watch_signals, "RR*NRRRR", "RR*NRRRR"),
    row("/countersign.v1.RunnerService/WatchSignals",
        Object::WaitingForAnyRunner, ask::watch_signals, "RR**RRRR", "RRNNRRRR"),
    row("/countersign.v1.RunnerService/WatchSignals",
        Object::Waiting, ask::watch_own_signals, "RR*-RRRR", "RR*-RRRR"),
    row("/countersign.v1.RunnerService/StartTask",
        Object::Cleared, ask::start, "RR*NRRRR", "RR*NRRRR"),
    row("/countersign.v1.RunnerService/StartTask",
        Object::ClearedForAnyRunner, ask::start, "RR**RRRR", "RRNNRRRR"),
    row("/countersign.v1.RunnerService/FinishTask",
        Object::Running, ask::finish, "R**NRRRR", "RN*NRRRR"),
    row("/countersign.v1.RunnerService/FinishTask",
        Object::RunningByAnyRunner, ask::finish, "R**KRRRR", "RNNNRRRR"),

    row("/countersign.v1.PolicyService/CreatePolicy",
        Object::Name, admin::create_policy, "RRRR*RRR", "RRRRGRRR"),
    row("/countersign.v1.PolicyService/CreatePolicy",
        Object::Name, admin::try_policy, "RRRR*RRR", "RRRRGRRR"),
    row("/countersign.v1.PolicyService/GetPolicy",
        Object::Policy, admin::get_policy, ALL, NONE_FOUND),
    row("/countersign.v1.PolicyService/ListPolicies",
        Object::Policy, admin::list_policies, ALL, NONE_SEEN),
    row("/countersign.v1.PolicyService/UpdatePolicy",
        Object::Policy, admin::update_policy, "RRRR*RRR", "RRRRNRRR"),
    row("/countersign.v1.PolicyService/UpdatePolicy",
        Object::Policy, admin::try_policy_update, "RRRR*RRR", "RRRRNRRR"),
    row("/countersign.v1.PolicyService/DeletePolicy",
        Object::Policy, admin::delete_policy, "RRRR+RRR", "RRRRNRRR"),
    row("/countersign.v1.PolicyService/PreviewSchedule",
        Object::Policy, admin::preview_policy, ALL_SILENT, NONE_FOUND),
    row("/countersign.v1.PolicyService/PreviewSchedule",
        Object::Freeze, admin::preview_freeze, ALL, NONE_FOUND),
    row("/countersign.v1.PolicyService/PreviewSchedule",
        Object::Waiting, admin::preview_task, ALL_SILENT, NONE_FOUND),
    row("/countersign.v1.PolicyService/PreviewSchedule",
        Object::Nothing, admin::preview_windows, ALL, ALL),

    row("/countersign.v1.FreezeService/CreateFreeze",
        Object::Name, admin::create_freeze, "RRRR*R*R", "RRRRGRGR"),
    row("/countersign.v1.FreezeService/CreateFreeze",
        Object::Name, admin::try_freeze, "RRRR*R*R", "RRRRGRGR"),
    row("/countersign.v1.FreezeService/GetFreeze",
        Object::Freeze, admin::get_freeze, ALL, NONE_FOUND),
    row("/countersign.v1.FreezeService/ListFreezes",
        Object::Freeze, admin::list_freezes, ALL, NONE_SEEN),
    row("/countersign.v1.FreezeService/UpdateFreeze",
        Object::Freeze, admin::update_freeze, "RRRR*R*R", "RRRRNRNR"),
    row("/countersign.v1.FreezeService/UpdateFreeze",
        Object::Freeze, admin::try_freeze_update, "RRRR*R*R", "RRRRNRNR"),
    row("/countersign.v1.FreezeService/DeleteFreeze",
        Object::Freeze, admin::delete_freeze, "RRRR+R+R", "RRRRNRNR"),
    row("/countersign.v1.FreezeService/LiftFreeze",
        Object::Freeze, admin::lift_freeze, "RRRR*R*R", "RRRRNRNR"),

    // Teams belong to all policies: everybody reads them, and to change one takes everything.
    row("/countersign.v1.TeamService/CreateTeam",
        Object::Name, admin::create_team, "RRRR*RRR", "RRRRGRRR"),
    row("/countersign.v1.TeamService/GetTeam", Object::Team, admin::get_team, ALL, ALL),
    row("/countersign.v1.TeamService/ListTeams", Object::Team, admin::list_teams, ALL, ALL),
    row("/countersign.v1.TeamService/UpdateTeam",
        Object::Team, admin::update_team, "RRRR*RRR", "RRRRGRRR"),
    row("/countersign.v1.TeamService/DeleteTeam",
        Object::Team, admin::delete_team, "RRRR+RRR", "RRRRGRRR"),

    row("/countersign.v1.LogService/ListEntries",
        Object::Waiting, admin::list_entries, "RRRRR*RR", "RRRRRGRR"),
    row("/countersign.v1.LogService/WatchLog",
        Object::Waiting, admin::watch_log, "RRRRR*RR", "RRRRRGRR"),
    row("/countersign.v1.LogService/GetHead",
        Object::Nothing, admin::nothing, "RRRRR**R", "RRRRR**R"),
    row("/countersign.v1.LogService/AcceptClock",
        Object::Nothing, admin::accept_clock, "RRRRRR*R", "RRRRRRGR"),

    row("/countersign.v1.AccessService/WhoAmI", Object::Nothing, admin::nothing, ALL, ALL),
    row("/countersign.v1.AccessService/CreateToken",
        Object::Name, admin::create_token, "RRRRRRR*", "RRRRRRRG"),
    row("/countersign.v1.AccessService/GetToken",
        Object::Token, admin::get_token, "RRRRR*R*", "RRRRRNRN"),
    row("/countersign.v1.AccessService/ListTokens",
        Object::Token, admin::list_tokens, "RRRRR*R*", "RRRRR-R-"),
    row("/countersign.v1.AccessService/RevokeToken",
        Object::Token, admin::revoke_token, "RRRRRRR*", "RRRRRRRN"),

    open("/grpc.health.v1.Health/Check", admin::nothing),
    open("/grpc.health.v1.Health/Watch", admin::nothing),
    open("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", admin::list_services),
    open("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", admin::list_services),
];

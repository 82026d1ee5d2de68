//! Change requests, as answers carry them.

use countersign_domain::change_request::{Case, CrState, Decision, ExpiryCause, Verdict};
use countersign_domain::ids::{PolicyId, TeamId};
use countersign_domain::policy::{Approver, MatchedPolicy, ResultantApprover, ResultantPolicy};
use countersign_domain::task::Task;
use countersign_engine::CrView;
use countersign_proto::v1;
use prost::Message;

use super::identity::{show_creator, show_credential, show_person};
use super::policy::show_warning;
use super::schedule::{show_on_close, show_window};
use super::show::Show;
use super::task_spec::{show_kind, show_optional};
use super::terms::{show_quorum, show_sharing, show_time_to_live};
use super::window::timestamp;

/// How many tasks of one change request are shown with it.
const TASKS_LIMIT: usize = 100;
/// Tasks may be large; fewer are shown where they would take more than this.
const TASKS_BYTES_LIMIT: usize = 1_024 * 1_024;

impl Show<'_> {
    /// A change request with its tasks.
    pub(crate) fn change_request(&self, case: &Case, view: &CrView) -> v1::ChangeRequest {
        let change_request = &case.change_request;
        let content = &change_request.content;
        let (expiry_cause, ended_at) = match &change_request.state {
            CrState::Pending { .. } | CrState::Approved { .. } => {
                (v1::ExpiryCause::Unspecified, None)
            }
            CrState::Rejected { at, .. } | CrState::Withdrawn { at } => {
                (v1::ExpiryCause::Unspecified, Some(*at))
            }
            CrState::Expired { cause, at, .. } => (show_cause(*cause), Some(*at)),
        };
        v1::ChangeRequest {
            id: self.number(content.number),
            state: show_state(&change_request.state).into(),
            kind: show_kind(content.kind),
            project: content.project.to_string(),
            environment: content.environment.to_string(),
            release: show_optional(content.release.as_ref()),
            tenant: show_optional(content.tenant.as_ref()),
            artifact_digest: show_optional(content.artifact_digest.as_ref()),
            creator: content.creator.as_ref().map(show_creator),
            tasks: self.tasks(case, view),
            resultant_policy: Some(show_resultant(&case.resultant)),
            approval_required: content.approval_required,
            approvals_counted: case.counted(),
            approvals_missing: view.standing.deficit.missing,
            decisions: change_request.decisions.iter().map(show_decision).collect(),
            expiry_cause: expiry_cause.into(),
            warnings: view.warnings.iter().map(show_warning).collect(),
            etag: change_request.etag().to_owned(),
            message: self.line(case, view),
            created_at: Some(timestamp(content.created_at)),
            ended_at: ended_at.map(timestamp),
            sequence: case.newest_entry(),
            task_count: u32::try_from(case.tasks.len()).unwrap_or(u32::MAX),
            expires_at: case.expires_at().map(timestamp),
        }
    }

    /// Its tasks, oldest first.
    fn tasks(&self, case: &Case, view: &CrView) -> Vec<v1::Task> {
        let mut shown = Vec::new();
        let mut bytes = 0;
        for task in by_age(case).into_iter().take(TASKS_LIMIT) {
            let message = self.task(case, task, &view.standing);
            bytes += message.encoded_len();
            if bytes > TASKS_BYTES_LIMIT && !shown.is_empty() {
                break;
            }
            shown.push(message);
        }
        shown
    }

    /// The line of its oldest task that could still start, or else of its oldest.
    fn line(&self, case: &Case, view: &CrView) -> String {
        let tasks = by_age(case);
        let open = tasks.iter().find(|task| task.could_start());
        let told = open.or(tasks.first());
        told.map(|task| self.sentence(case, task, &view.standing))
            .unwrap_or_default()
    }
}

fn by_age(case: &Case) -> Vec<&Task> {
    let mut tasks: Vec<&Task> = case.tasks.values().collect();
    tasks.sort_by(|a, b| (a.content.created_at, a.id()).cmp(&(b.content.created_at, b.id())));
    tasks
}

fn show_state(state: &CrState) -> v1::ChangeRequestState {
    match state {
        CrState::Pending { .. } => v1::ChangeRequestState::Pending,
        CrState::Approved { .. } => v1::ChangeRequestState::Approved,
        CrState::Rejected { .. } => v1::ChangeRequestState::Rejected,
        CrState::Expired { .. } => v1::ChangeRequestState::Expired,
        CrState::Withdrawn { .. } => v1::ChangeRequestState::Withdrawn,
    }
}

fn show_cause(cause: ExpiryCause) -> v1::ExpiryCause {
    match cause {
        ExpiryCause::WindowClosed => v1::ExpiryCause::WindowClosed,
        ExpiryCause::ApprovalTtl => v1::ExpiryCause::ApprovalTtl,
        ExpiryCause::ExecutionTtl => v1::ExpiryCause::ExecutionTtl,
    }
}

fn show_decision(decision: &Decision) -> v1::Decision {
    let verdict = match decision.verdict {
        Verdict::Approved => v1::Verdict::Approved,
        Verdict::Rejected => v1::Verdict::Rejected,
        Verdict::Revoked => v1::Verdict::Revoked,
        Verdict::Lapsed => v1::Verdict::Lapsed,
    };
    v1::Decision {
        person: Some(show_person(&decision.person)),
        verdict: verdict.into(),
        comment: decision.comment.clone(),
        decided_at: Some(timestamp(decision.at)),
        eligible_directly: decision.eligibility.directly,
        eligible_through: decision
            .eligibility
            .through
            .iter()
            .map(TeamId::to_string)
            .collect(),
        as_creator: decision.eligibility.as_creator,
        artifact_digest: show_optional(decision.artifact_digest.as_ref()),
        credential: Some(show_credential(&decision.credential)),
    }
}

fn show_resultant(resultant: &ResultantPolicy) -> v1::ResultantPolicy {
    v1::ResultantPolicy {
        minimum_approvals: resultant.minimum_approvals,
        block_creator: resultant.block_creator,
        approvers: resultant.approvers.iter().map(show_approver).collect(),
        policies: resultant.policies.iter().map(show_matched).collect(),
        approvals_needed: resultant.approvals_needed(),
        sharing: show_sharing(Some(resultant.sharing())).into(),
        recheck_approvers: resultant.recheck_approvers(),
        approval_ttl: resultant.approval_ttl().map(show_time_to_live),
        execution_ttl: resultant.execution_ttl().map(show_time_to_live),
        max_auth_age: resultant
            .max_auth_age()
            .map(|(age, _)| show_time_to_live(age)),
        on_close: show_on_close(resultant.has_windows().then(|| resultant.on_close())).into(),
    }
}

fn show_approver(named: &ResultantApprover) -> v1::ResultantApprover {
    use v1::resultant_approver::Approver as Shown;
    let approver = match &named.approver {
        Approver::User(person) => Shown::User(show_person(person)),
        Approver::Team(team) => Shown::Team(team.id.to_string()),
    };
    v1::ResultantApprover {
        approver: Some(approver),
        policies: named.policies.iter().map(PolicyId::to_string).collect(),
    }
}

fn show_matched(policy: &MatchedPolicy) -> v1::MatchedPolicy {
    v1::MatchedPolicy {
        id: policy.id.to_string(),
        revision: policy.revision,
        name: policy.name.clone(),
        minimum_approvals: policy.minimum_approvals,
        block_creator: policy.block_creator,
        quorum: show_quorum(policy.terms.quorum).into(),
        sharing: show_sharing(policy.terms.sharing).into(),
        recheck_approvers: policy.terms.recheck_approvers,
        approval_ttl: policy.terms.approval_ttl.map(show_time_to_live),
        execution_ttl: policy.terms.execution_ttl.map(show_time_to_live),
        max_auth_age: policy.terms.max_auth_age.map(show_time_to_live),
        windows: policy.terms.windows.iter().map(show_window).collect(),
        on_close: show_on_close(policy.on_close()).into(),
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::batch::Action;
    use countersign_domain::change_request::{Approve, Reject};
    use countersign_domain::ids::{CrNumber, CrRef};

    use super::super::fixture::{Bench, begin, prefix};
    use super::super::{policy_draft, task_spec};
    use super::*;

    fn show(bench: &Bench, case: &Case) -> v1::ChangeRequest {
        let prefix = prefix();
        Show {
            prefix: &prefix,
            now: begin(),
        }
        .change_request(case, &bench.view(case))
    }

    fn policy() -> v1::Policy {
        let mut policy = policy_draft::tests::full();
        policy.approvers.as_mut().unwrap().teams.clear();
        policy.block_creator = false;
        policy.windows.clear();
        policy.on_close = v1::OnClose::Unspecified.into();
        policy
    }

    #[test]
    fn c5_a_pending_one_says_what_is_missing_and_from_whom() {
        let mut bench = Bench::new(Some(&policy()));
        let case = bench.create(&task_spec::tests::full());
        let shown = show(&bench, &case);
        assert_eq!(
            (shown.id.as_str(), shown.state()),
            ("CR-1", v1::ChangeRequestState::Pending)
        );
        assert_eq!((shown.approvals_counted, shown.approvals_missing), (0, 2));
        let line = "Deployment blocked by change request CR-1: requires approval from 2 approvers";
        assert_eq!(shown.message, line);
        assert!(shown.approval_required);
        let resultant = shown.resultant_policy.unwrap();
        assert_eq!(resultant.policies[0].id, "prod-four-eyes");
        assert_eq!(resultant.approvers.len(), 2);
        let task = &shown.tasks[0];
        assert_eq!(
            (task.state(), task.signal()),
            (v1::TaskState::Paused, v1::Signal::Hold)
        );
        assert_eq!(task.blockers[0].kind(), v1::BlockerKind::Approval);
        assert_eq!(task.message, line);
        assert_eq!(task.sequence, shown.sequence);
    }

    #[test]
    fn m6_without_a_policy_it_is_approved_and_says_so() {
        let mut bench = Bench::new(None);
        let case = bench.create(&task_spec::tests::full());
        let shown = show(&bench, &case);
        assert_eq!(shown.state(), v1::ChangeRequestState::Approved);
        assert!(!shown.approval_required);
        assert_eq!(shown.warnings[0].kind(), v1::WarningKind::NoPolicyMatched);
        let task = &shown.tasks[0];
        assert_eq!(
            (task.state(), task.signal()),
            (v1::TaskState::Cleared, v1::Signal::Proceed)
        );
        assert_eq!(
            task.permit.as_ref().map(|permit| permit.generation),
            Some(1)
        );
        assert!(task.blockers.is_empty());
    }

    #[test]
    fn d5_an_ended_one_shows_who_ended_it_and_what_it_stopped() {
        let mut bench = Bench::new(Some(&policy()));
        bench.create(&task_spec::tests::full());
        let approval = Approve {
            target: CrRef::Number(CrNumber(1)),
            comment: "fine".to_owned(),
            etag: None,
            artifact_digest: None,
        };
        let case = bench.act("bob", Action::Approve(approval));
        assert_eq!(show(&bench, &case).approvals_counted, 1);
        let rejection = Reject {
            target: CrRef::Number(CrNumber(1)),
            comment: "no".to_owned(),
            etag: None,
            artifact_digest: None,
        };
        let case = bench.act("alice", Action::Reject(rejection));
        let shown = show(&bench, &case);
        assert_eq!(shown.state(), v1::ChangeRequestState::Rejected);
        assert_eq!(shown.ended_at, Some(timestamp(begin())));
        let verdicts: Vec<_> = shown.decisions.iter().map(v1::Decision::verdict).collect();
        assert_eq!(verdicts, [v1::Verdict::Approved, v1::Verdict::Rejected]);
        let task = &shown.tasks[0];
        assert_eq!(task.termination_reason(), v1::TerminationReason::Rejected);
        assert_eq!(task.signal(), v1::Signal::Terminate);
        assert!(task.permit.is_none() && task.start.is_none());
    }

    #[test]
    fn c1_a_preview_has_no_number() {
        let mut bench = Bench::new(Some(&policy()));
        let case = bench.create(&task_spec::tests::full());
        let shown = show(&bench, &case.as_ref().clone().unnumbered());
        assert_eq!(
            (shown.id.as_str(), shown.tasks[0].change_request.as_str()),
            ("", "")
        );
        assert!(!shown.message.contains("CR-0"), "{}", shown.message);
    }
}

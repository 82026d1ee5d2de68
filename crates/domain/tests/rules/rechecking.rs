//! D9: approvals that are checked again at the threshold and at the start.

use crate::harness::Gate;

#[test]
fn d9_at_the_threshold_an_approval_lapses_whose_person_has_left() {
    Gate::played(
        "0 adm team dev members=ann,bob
         0 adm policy p users=cat,dan teams=dev min=2 recheck=yes
         1 orc create t1
         2 ann approve t1                     -> PENDING counted=1
         3 adm edit-team dev members=bob
         4 time settle t1                     -> PENDING counted=1 entries=0
         5 cat approve t1                     -> PENDING counted=1 missing=1 entries=2
         6 ann approve t1                     -> NotAnApprover
         6 ann revoke t1                      -> NothingToRevoke
         7 bob approve t1                     -> APPROVED CLEARED counted=2",
    );
}

#[test]
fn d9_without_it_an_approval_stays() {
    Gate::played(
        "0 adm team dev members=ann,bob
         0 adm policy p users=cat,dan teams=dev min=2
         1 orc create t1
         2 ann approve t1
         3 adm edit-team dev members=bob
         5 cat approve t1                     -> APPROVED CLEARED counted=2
         6 adm edit-team dev members=
         7 run start t1                       -> RUNNING counted=2",
    );
}

#[test]
fn d9_one_policy_that_asks_for_it_is_enough() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p teams=dev
         0 adm policy q users=bob recheck=yes
         1 orc create t1
         2 ann approve t1                     -> APPROVED CLEARED
         3 adm edit-team dev members=
         4 run start t1                       -> StartNotNow:approval PENDING PAUSED:approval",
    );
}

#[test]
fn d9_at_the_start_an_approval_lapses_and_the_task_is_held() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p users=bob teams=dev recheck=yes
         1 orc create t1
         2 ann approve t1                     -> APPROVED CLEARED gen=1
         3 adm edit-team dev members=
         4 time settle t1                     -> APPROVED CLEARED entries=0
         5 run start t1            -> StartNotNow:approval PENDING PAUSED:approval entries=3
         6 run start t1            -> StartNotNow:approval PENDING counted=0 entries=0
         7 bob approve t1                     -> APPROVED CLEARED gen=2
         8 run start t1 gen=1                 -> StartNotNow:stale
         9 run start t1                       -> RUNNING",
    );
}

#[test]
fn d9_approvals_that_are_enough_without_the_lapsed_one_let_it_start() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p users=bob teams=dev recheck=yes
         1 orc create t1
         2 ann approve t1
         3 bob approve t1                     -> counted=2
         4 adm edit-team dev members=
         5 run start t1                       -> RUNNING APPROVED counted=1 entries=2",
    );
}

#[test]
fn d9_all_that_fail_lapse_at_once_at_the_start() {
    Gate::played(
        "0 adm team dev members=ann,bob,cat
         0 adm policy p users=dan teams=dev min=2 recheck=yes
         1 orc create t1
         2 ann approve t1
         2 bob approve t1
         2 cat approve t1
         2 dan approve t1                     -> APPROVED counted=4
         3 adm edit-team dev members=
         4 run start t1        -> StartNotNow:approval PENDING counted=1 missing=1 entries=5",
    );
}

#[test]
fn d9_all_that_fail_lapse_before_any_of_them_is_missed() {
    Gate::played(
        "0 adm team dev members=ann,bob
         0 adm policy p users=dan teams=dev min=2 ettl=60 recheck=yes
         1 orc create t1
         2 ann approve t1
         50 bob approve t1                    -> APPROVED due=110
         51 adm edit-team dev members=
         70 run start t1       -> StartNotNow:approval PENDING counted=0 missing=2 entries=4",
    );
}

#[test]
fn d9_what_has_expired_has_no_approvals_that_lapse() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p teams=dev ettl=60 recheck=yes
         1 orc create t1
         2 ann approve t1                     -> APPROVED due=62
         3 adm edit-team dev members=
         62 run start t1       -> StartNever EXPIRED cause=execution_ttl@62 counted=1 entries=2",
    );
}

#[test]
fn d9_whoever_is_still_named_otherwise_stays() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm team ops members=ann
         0 adm policy p users=ann teams=dev,ops recheck=yes
         1 orc create t1
         2 ann approve t1
         3 adm edit-team dev members=
         3 adm edit-team ops members=
         4 run start t1                       -> RUNNING counted=1",
    );
}

#[test]
fn d9_an_approval_lapses_whose_person_has_left_a_group_it_may_stand_for() {
    Gate::played(
        "0 adm team sec members=sue
         0 adm policy p teams=sec quorum=own recheck=yes
         0 adm policy q users=sue,ann
         1 orc create t1
         2 sue approve t1                     -> APPROVED CLEARED
         3 adm edit-team sec members=
         4 run start t1                       -> StartNotNow:approval PENDING missing=1 counted=0
         5 sue approve t1                     -> PENDING missing=1 counted=1
         6 adm edit-team sec members=sue
         7 sue approve t1                     -> Done PENDING entries=0
         8 sue revoke t1
         9 sue approve t1                     -> APPROVED CLEARED",
    );
}

#[test]
fn d9_a_team_that_was_deleted_or_made_again_lets_its_approvals_lapse() {
    for again in ["", "5 adm team dev members=ann"] {
        let mut gate = Gate::new();
        gate.play(
            "0 adm team dev members=ann
             0 adm policy p teams=dev recheck=yes
             1 orc create t1
             2 ann approve t1                 -> APPROVED
             3 adm edit-policy p users=bob
             4 adm drop-team dev",
        );
        gate.play(again);
        gate.play("6 run start t1             -> StartNotNow:approval PENDING counted=0");
        gate.check_all();
    }
}

#[test]
fn d9_a_lapsed_approval_of_whoever_comes_back_counts_only_when_given_again() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p users=bob teams=dev recheck=yes
         1 orc create t1
         2 ann approve t1 comment=first
         3 adm edit-team dev members=
         4 run start t1                       -> StartNotNow:approval PENDING
         5 adm edit-team dev members=ann
         6 time settle t1                     -> PENDING counted=0 entries=0
         7 ann revoke t1                      -> NothingToRevoke
         8 ann approve t1                     -> APPROVED CLEARED counted=1 gen=2",
    );
}

#[test]
fn d9_who_is_in_a_claimed_team_is_not_known_so_the_approval_stays_with_the_team() {
    Gate::played(
        "0 adm team open claimed
         0 adm policy p teams=open recheck=yes
         1 orc create t1
         1 orc create t2
         2 ann+open approve t1                -> APPROVED
         2 ann+open approve t2                -> APPROVED
         3 run start t1                       -> RUNNING
         4 adm edit-policy p users=bob teams=
         5 adm drop-team open
         6 run start t2                       -> StartNotNow:approval PENDING counted=0",
    );
}

#[test]
fn d9_a_shared_one_holds_every_task_that_could_start() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p users=bob teams=dev share=release recheck=yes
         1 orc create t1 release=r1
         1 orc create t2 release=r1
         2 ann approve t1                     -> CLEARED
         3 run start t1                       -> RUNNING
         4 adm edit-team dev members=
         5 orc create t3 release=r1           -> APPROVED CLEARED tasks=3
         6 run start t2                       -> StartNotNow:approval PENDING PAUSED:approval
         6 run start t3                       -> StartNotNow:approval PENDING PAUSED:approval
         7 bob approve t1                     -> APPROVED RUNNING
         8 run start t3                       -> RUNNING",
    );
}

#[test]
fn d9_a_repeated_start_of_a_running_task_stays_ok() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p teams=dev recheck=yes
         1 orc create t1
         2 ann approve t1
         3 run start t1                       -> RUNNING
         4 adm edit-team dev members=
         5 run start t1                       -> Done APPROVED RUNNING counted=1 entries=0",
    );
}

#[test]
fn d9_a_rejection_by_whoever_has_lapsed_is_refused_as_of_anybody_else() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p users=bob teams=dev recheck=yes
         1 orc create t1
         2 ann approve t1
         3 adm edit-team dev members=
         4 run start t1                       -> StartNotNow:approval
         5 ann reject t1                      -> NotAnApprover PENDING
         6 ann approve t1                     -> NotAnApprover PENDING",
    );
}

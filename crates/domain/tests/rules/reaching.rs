//! What a limited grant reaches of policies, freezes and teams.

use countersign_domain::batch::{Action, Reply};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::ids::PolicyId;
use countersign_domain::policy::PolicyField;

use crate::harness::Gate;
use crate::harness::facts::{reply_name, variant};
use crate::harness::people::at;

/// Bearers of tokens, and what they may act on.
const BEARERS: &str = "
    0 program token web projects=web
    0 program token two projects=web,api
    0 program token prod envs=prod
    0 program token cell projects=web envs=prod
    0 program token all";

/// A scope, and how it lies to the grants of `web`, `two`, `prod`, `cell` and `all`: whether they
/// cover all of it, touch it, or it lies outside.
const SCOPES: &[(&str, [&str; 5])] = &[
    (
        "projects=web envs=prod",
        ["covers", "covers", "covers", "covers", "covers"],
    ),
    (
        "projects=web envs=dev",
        ["covers", "covers", "outside", "outside", "covers"],
    ),
    (
        "projects=web envs=*",
        ["covers", "covers", "touches", "touches", "covers"],
    ),
    (
        "projects=web envs=area/eu",
        ["covers", "covers", "touches", "touches", "covers"],
    ),
    (
        "projects=web,api envs=prod",
        ["touches", "covers", "covers", "touches", "covers"],
    ),
    (
        "projects=web,api envs=prod,dev",
        ["touches", "covers", "touches", "touches", "covers"],
    ),
    (
        "projects=api envs=prod",
        ["outside", "covers", "covers", "outside", "covers"],
    ),
    (
        "projects=* envs=prod",
        ["touches", "touches", "covers", "touches", "covers"],
    ),
    (
        "projects=* envs=*",
        ["touches", "touches", "touches", "touches", "covers"],
    ),
    (
        "projects=tier/one envs=prod",
        ["touches", "touches", "covers", "touches", "covers"],
    ),
    (
        "projects=tier/one envs=area/eu",
        ["touches", "touches", "touches", "touches", "covers"],
    ),
    (
        "projects=we,web2,Web envs=prod",
        ["outside", "outside", "covers", "outside", "covers"],
    ),
    (
        "projects=other envs=dev",
        ["outside", "outside", "outside", "outside", "covers"],
    ),
];

const NAMES: [&str; 5] = ["web", "two", "prod", "cell", "all"];

/// What changes a policy or a freeze that is there, apart from its scope.
const CHANGES: &[&str] = &[
    "edit-policy p name=Other",
    "edit-policy p min=9",
    "edit-policy p disabled",
    "drop-policy p",
    "edit-freeze f to=900",
    "lift-freeze f",
    "drop-freeze f",
];

fn with(scope: &str) -> Gate {
    let mut gate = Gate::new();
    gate.play(BEARERS);
    gate.play(&format!(
        "1 adm policy p users=ann {scope}
         1 adm freeze f {scope}"
    ));
    gate
}

#[test]
fn i11_a_limited_grant_changes_what_lies_within_it_and_sees_nothing_outside() {
    for (scope, lies) in SCOPES {
        let before = with(scope);
        for change in CHANGES {
            for (who, lies) in NAMES.iter().zip(lies) {
                let mut gate = before.clone();
                let expected = match *lies {
                    "covers" => "Done entries=1",
                    "touches" => "ScopeOutsideGrant entries=0",
                    _ => "NotFound entries=0",
                };
                gate.play(&format!("2 #{who} {change} -> {expected}"));
            }
        }
    }
}

#[test]
fn i11_a_limited_grant_creates_only_within_it() {
    for (scope, lies) in SCOPES {
        for create in ["policy q users=ann", "freeze g"] {
            for (who, lies) in NAMES.iter().zip(lies) {
                let mut gate = Gate::new();
                gate.play(BEARERS);
                let expected = match *lies {
                    "covers" => "Done entries=1",
                    _ => "ScopeOutsideGrant entries=0",
                };
                gate.play(&format!("2 #{who} {create} {scope} -> {expected}"));
            }
        }
    }
}

/// A scope that is replaced must lie within the grant before and after.
#[test]
fn i11_a_limited_grant_moves_nothing_out_of_itself() {
    for (scope, lies) in SCOPES {
        let before = with("projects=web envs=prod");
        for (who, lies) in NAMES.iter().zip(lies) {
            // `prod` covers what is there, too: all five do.
            let expected = match (*lies, *scope) {
                ("covers", "projects=web envs=prod") => "Done entries=0",
                ("covers", _) => "Done entries=1",
                _ => "ScopeOutsideGrant entries=0",
            };
            for edit in ["edit-policy p", "edit-freeze f"] {
                let mut gate = before.clone();
                gate.play(&format!("2 #{who} {edit} {scope} -> {expected}"));
            }
        }
    }
}

#[test]
fn i11_a_limited_grant_moves_nothing_into_itself() {
    for (scope, lies) in SCOPES {
        let before = with(scope);
        for (who, lies) in NAMES.iter().zip(lies) {
            let expected = match *lies {
                "covers" => "Done",
                "touches" => "ScopeOutsideGrant entries=0",
                _ => "NotFound entries=0",
            };
            for edit in ["edit-policy p", "edit-freeze f"] {
                let mut gate = before.clone();
                gate.play(&format!(
                    "2 #{who} {edit} projects=web envs=prod -> {expected}"
                ));
            }
        }
    }
}

/// A mask that leaves the scopes out leaves them alone, whatever stands in the draft.
#[test]
fn i11_only_the_fields_of_the_mask_are_judged() {
    let mut gate = with("projects=web envs=prod");
    let (mut command, clock) = gate.read("2 #web edit-policy p name=Other projects=api");
    let Action::Directory(DirectoryCommand::UpdatePolicy { fields, .. }) = &mut command.action
    else {
        panic!("{command:?}");
    };
    assert!(fields.remove(&PolicyField::Scopes));
    let outcome = gate.run(&[command], clock);
    assert_eq!(reply_name(&outcome.replies[0]), "Done");
    let policy = gate.directory.policy(&PolicyId::parse("p").unwrap());
    let draft = &policy.unwrap().draft;
    assert_eq!(draft.name, "Other");
    let mut scopes = format!("{:?}", draft.scopes);
    scopes.make_ascii_lowercase();
    assert!(
        scopes.contains("web") && !scopes.contains("api"),
        "{scopes}"
    );
}

#[test]
fn i11_one_scope_beyond_the_grant_is_enough() {
    let mut gate = with("projects=web envs=prod");
    let (command, _) = gate.read("2 adm policy q users=ann projects=api envs=prod");
    let Action::Directory(DirectoryCommand::CreatePolicy(other)) = command.action else {
        panic!("not a policy");
    };
    for (who, expected) in [
        ("web", "ScopeOutsideGrant"),
        ("two", "Done"),
        ("all", "Done"),
    ] {
        let mut gate = gate.clone();
        let line = format!("2 #{who} policy q users=ann projects=web envs=prod");
        let (mut command, clock) = gate.read(&line);
        let Action::Directory(DirectoryCommand::CreatePolicy(draft)) = &mut command.action else {
            panic!("not a policy");
        };
        draft.scopes.extend(other.scopes.iter().cloned());
        let outcome = gate.run(&[command], clock);
        assert_eq!(reply_name(&outcome.replies[0]), expected, "{who}");
    }
    // And it is seen through the one that lies within.
    let (mut both, clock) = gate.read("3 adm policy q users=ann projects=web envs=prod");
    if let Action::Directory(DirectoryCommand::CreatePolicy(draft)) = &mut both.action {
        draft.scopes.extend(other.scopes.iter().cloned());
    }
    gate.run(&[both], clock);
    gate.play("4 #web drop-policy q -> ScopeOutsideGrant entries=0");
}

#[test]
fn i11_teams_take_an_unlimited_grant() {
    for change in ["team new", "edit-team dev members=ann", "drop-team dev"] {
        for who in NAMES {
            let mut gate = Gate::new();
            gate.play(BEARERS);
            gate.play("1 adm team dev members=dan");
            let expected = match who {
                "all" => "Done entries=1",
                _ => "ScopeOutsideGrant entries=0",
            };
            gate.play(&format!("2 #{who} {change} -> {expected}"));
        }
    }
}

#[test]
fn e1_a_policy_beyond_the_grant_is_refused_as_one_that_is_not_there() {
    for change in CHANGES {
        let mut hidden = with("projects=api envs=dev");
        let mut absent = Gate::new();
        absent.play(BEARERS);
        let said = format!("2 #cell {change}");
        let found = [&mut hidden, &mut absent].map(|gate| gate.say(&said).0);
        assert_eq!(found[0], found[1], "{change}");
        assert_eq!(reply_name(&found[0]), "NotFound", "{change}");
    }
}

#[test]
fn e1_permission_over_a_scope_is_checked_before_state() {
    let mut gate = with("projects=web,api envs=prod");
    gate.play(
        "2 #web policy p users=ann projects=api       -> ScopeOutsideGrant entries=0
         2 #web policy q min=0 projects=api           -> ScopeOutsideGrant entries=0
         2 #web policy q teams=none projects=api      -> ScopeOutsideGrant entries=0
         2 #web drop-policy p etag=other              -> ScopeOutsideGrant entries=0
         2 #web edit-policy p name=Other etag=other   -> ScopeOutsideGrant entries=0
         2 #web drop-freeze f etag=other              -> ScopeOutsideGrant entries=0
         2 #web drop-team none                        -> ScopeOutsideGrant entries=0
         2 #web policy q users=ann projects=          -> InvalidField entries=0
         3 adm lift-freeze f
         3 adm drop-freeze f
         4 #web lift-freeze f                         -> NotFound entries=0",
    );
}

#[test]
fn e2_a_refusal_for_the_grant_says_what_it_does_not_cover() {
    let mut gate = with("projects=web,api envs=prod");
    for (call, what) in [
        ("drop-policy p", "the policy"),
        ("policy q users=ann projects=*", "the policy"),
        ("drop-freeze f", "the freeze"),
        ("freeze g projects=*", "the freeze"),
        ("team new", "all policies that may name the team"),
        ("token new", "what the token may act on"),
    ] {
        let Reply::Refused(refusal) = gate.say(&format!("2 #web {call}")).0 else {
            panic!("{call} is not refused");
        };
        let text = format!("the credential's grant does not cover {what}; it takes a wider grant");
        assert_eq!(refusal.to_string(), text);
        assert_eq!(
            (variant(&refusal).as_str(), refusal.rule()),
            ("ScopeOutsideGrant", "E1")
        );
    }
    assert_eq!(gate.store.head.instant, at(1));
}

//! Who somebody is: the issuer and the subject of their credential, byte for byte, and nothing that
//! only looks or sounds like them.

use countersign_proto::v1::{ChangeRequestState, Creator, TaskSpec};
use tonic::Code;

use super::stage::{Kept, cast};
use crate::gate::{Caller, Expect, Gate, PolicySpec, Setup, TokenSpec, deployment, person};

/// Texts that a careless comparison takes for a name: other case, white space, full width, marks
/// that combine, letters of other scripts, and what other systems make of it.
fn spellings(name: &str) -> Vec<String> {
    let (first, rest) = name.split_at(1);
    let wide = |letter: char| char::from_u32(u32::from(letter) + 0xfee0).unwrap();
    vec![
        name.to_uppercase(),
        format!("{}{rest}", first.to_uppercase()),
        format!(" {name}"),
        format!("{name} "),
        format!("{first} {rest}"),
        format!("{name}\u{a0}"),
        format!("\u{3000}{name}"),
        name.chars().map(wide).collect(),
        name.replacen('a', "a\u{301}", 1),
        name.replacen('a', "\u{e1}", 1),
        name.replacen('a', "\u{430}", 1),
        name.replacen('a', "\u{3b1}", 1),
        name.replacen('l', "I", 1),
        name.replacen('l', "1", 1),
        format!("{name}@example.com"),
        format!("local:{name}"),
        format!("local/{name}"),
        format!("{name},{name}"),
        format!("{name}%00"),
        rest.to_owned(),
    ]
}

fn id_of(name: &str, number: usize) -> String {
    format!("{name}-like-{number}")
}

/// Everybody, alice and carol with a second credential, and whoever looks like those two.
fn look_alikes() -> Vec<TokenSpec> {
    let mut tokens = cast();
    for name in ["alice", "carol"] {
        tokens.push(TokenSpec::person(&format!("{name}-phone"), name));
        let likes = spellings(name).into_iter().enumerate();
        tokens.extend(likes.map(|(number, it)| TokenSpec::person(&id_of(name, number), &it)));
    }
    tokens
}

/// Whoever looks like somebody, each with their subject.
fn likes(gate: &Gate, name: &str) -> Vec<(String, Caller)> {
    let likes = spellings(name).into_iter().enumerate();
    likes
        .map(|(number, it)| (it, gate.with_token(&id_of(name, number))))
        .collect()
}

/// People whose credentials say a name everywhere but in the subject.
fn named_like_erin() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.extend([
        TokenSpec::person("erin-laptop", "erin"),
        // The id of the token is the approver's subject.
        TokenSpec::person("erin", "mallory"),
        TokenSpec::person("elsewhere", "erin").issuer("https://login.example.com"),
        TokenSpec::person("claimed", "mallory-2").claims(&["erin", "local", "ops"]),
    ]);
    tokens
}

/// A task of this creator.
fn created_by(id: &str, subject: &str, display_name: &str) -> TaskSpec {
    let creator = Creator {
        person: Some(person(subject)),
        display_name: display_name.to_owned(),
        service: false,
    };
    TaskSpec {
        creator: Some(creator),
        ..deployment(id)
    }
}

on_both_stores! { with Setup::with_tokens(look_alikes);
    async fn abuse_no_spelling_of_an_approver_is_the_approver(gate) {
        let [ci, alice, bob] = ["ci", "alice", "bob"].map(|id| gate.with_token(id));
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.with_token("root").policy(policy).await.granted();
        ci.create(deployment("t1")).await.granted();
        let once = bob.approve("t1").await.granted();
        assert_eq!((once.approvals_counted, once.approvals_missing), (1, 1));
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        for (subject, other) in likes(gate, "alice") {
            let refused = other.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
            assert_eq!(refused.code, Code::PermissionDenied, "{subject:?}");
            other.reject("t1").await.refused("NOT_AN_APPROVER", "D1");
            other.revoke("t1").await.refused("NOTHING_TO_REVOKE", "D7");
        }
        kept.holds(gate).await;
        let twice = alice.approve("t1").await.granted();
        assert_eq!((twice.state(), twice.approvals_counted), (ChangeRequestState::Approved, 2));
    }

    async fn abuse_one_person_under_every_name_counts_once(gate) {
        // Everybody is named who looks like alice, and alice herself; she has two credentials.
        let names = spellings("alice");
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let policy = PolicySpec::new("prod").users(&names).users(&["alice", "alice"]).minimum(2);
        gate.with_token("root").policy(policy).await.granted();
        gate.with_token("ci").create(deployment("t1")).await.granted();
        let once = gate.with_token("alice").approve("t1").await.granted();
        assert_eq!(once.approvals_counted, 1);
        let kept = Kept::of(gate, &gate.with_token("ci"), &["t1"]).await;
        for credential in ["alice-phone", "alice", "alice-phone"] {
            let again = gate.with_token(credential).approve("t1").await.granted();
            assert_eq!((again.approvals_counted, again.decisions.len()), (1, 1));
            assert_eq!(again.state(), ChangeRequestState::Pending);
        }
        kept.holds(gate).await;
        // Another person is another vote, however much they look like her.
        let twice = gate.with_token(&id_of("alice", 0)).approve("t1").await.granted();
        assert_eq!((twice.state(), twice.approvals_counted), (ChangeRequestState::Approved, 2));
    }

    async fn abuse_no_spelling_of_the_creator_is_the_creator(gate) {
        let ci = gate.with_token("ci");
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]).block_creator();
        gate.with_token("root").policy(policy).await.granted();
        for id in ["t1", "t2"] {
            ci.create(deployment(id)).await.granted();
        }
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        for (subject, other) in likes(gate, "carol") {
            other.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
            other.reject("t1").await.refused("NOT_AN_APPROVER", "D1");
            let refused = other.withdraw("t1").await.refused("NOT_THE_CREATOR", "P7");
            assert_eq!(refused.code, Code::PermissionDenied, "{subject:?}");
        }
        for credential in ["carol", "carol-phone"] {
            gate.with_token(credential).approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        }
        kept.holds(gate).await;
        gate.with_token("carol-phone").withdraw("t1").await.granted();
        gate.with_token("carol").reject("t2").await.granted();
    }

    async fn abuse_no_odd_spelling_escapes_the_block_of_the_creator(gate) {
        let (ci, alice) = (gate.with_token("ci"), gate.with_token("alice"));
        let names = spellings("carol");
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let policy = PolicySpec::new("prod").users(&names).users(&["alice"]).block_creator();
        gate.with_token("root").policy(policy).await.granted();
        for (number, (subject, creator)) in likes(gate, "carol").into_iter().enumerate() {
            let id = format!("t{number}");
            ci.create(created_by(&id, &subject, "")).await.granted();
            let kept = Kept::of(gate, &ci, &[&id]).await;
            creator.approve(&id).await.refused("CREATOR_BLOCKED", "D1");
            kept.holds(gate).await;
            let approved = alice.approve(&id).await.granted();
            assert_eq!(approved.state(), ChangeRequestState::Approved, "{subject:?}");
        }
    }
}

on_both_stores! { with Setup::with_tokens(named_like_erin);
    async fn abuse_a_name_beside_the_subject_is_nobody(gate) {
        let ci = gate.with_token("ci");
        gate.with_token("root").policy(PolicySpec::new("prod").users(&["erin"])).await.granted();
        ci.create(created_by("t1", "carol", "erin")).await.granted();
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        // By the id of the token, by the name shown for the creator, by a team of that name.
        for credential in ["erin", "carol", "claimed"] {
            let caller = gate.with_token(credential);
            caller.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        }
        // The same subject of another issuer is another person, and may not even decide.
        let elsewhere = gate.with_token("elsewhere");
        elsewhere.approve("t1").await.refused("CANNOT_DECIDE", "D1");
        elsewhere.reject("t1").await.refused("CANNOT_DECIDE", "D1");
        kept.holds(gate).await;
        let approved = gate.with_token("erin-laptop").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_a_shown_name_neither_blocks_nor_frees(gate) {
        let ci = gate.with_token("ci");
        let policy = PolicySpec::new("prod").users(&["erin", "carol"]).block_creator();
        gate.with_token("root").policy(policy).await.granted();
        ci.create(created_by("t1", "carol", "erin")).await.granted();
        let kept = Kept::of(gate, &ci, &["t1"]).await;
        gate.with_token("carol").approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        kept.holds(gate).await;
        let approved = gate.with_token("erin-laptop").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }
}

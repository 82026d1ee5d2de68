//! Bad teams: each field, at its limits and beyond; masks, guards, unknown ids.

use countersign_proto::v1::{
    CreateTeamRequest, DeleteTeamRequest, Person, Team, UpdateTeamRequest,
};
use tonic::Code;

use super::{bad_comments, bad_names, good_names};
use crate::gate::{Expect, Gate, mask, person, team};

/// A team with one change.
fn with(change: impl FnOnce(&mut Team)) -> Team {
    let mut team = team("security", &["alice"]);
    change(&mut team);
    team
}

fn people(count: usize) -> Vec<Person> {
    (0..count)
        .map(|number| person(&format!("person-{number}")))
        .collect()
}

/// Each is refused by its field and rule; nothing is written.
async fn all_refused(gate: &Gate, rule: &str, teams: Vec<(&str, Team)>) {
    let entries = gate.entries().await;
    for (field, team) in teams {
        gate.admin()
            .team(team)
            .await
            .bad_field(&format!("team.{field}"), rule);
    }
    assert_eq!(gate.entries().await, entries);
}

on_both_stores! {
    async fn e1_bad_teams_are_refused_by_field(gate) {
        let mut rows = vec![("id", with(|team| team.id.clear()))];
        for name in bad_names() {
            rows.push(("id", with(|team| team.id.clone_from(&name))));
            let trimmed = name.trim() == name;
            if trimmed {
                rows.push(("name", with(|team| team.name = name)));
            }
        }
        for text in bad_comments() {
            rows.push(("description", with(|team| team.description = text)));
        }
        rows.extend([
            ("members", with(|team| team.members = people(1_001))),
            ("members[1].subject", with(|team| team.members.push(person("")))),
            ("members[0].subject", with(|team| team.members = vec![person("a\u{200b}")])),
            ("members[0].subject", with(|team| team.members = vec![person(&"x".repeat(201))])),
        ]);
        all_refused(gate, "E1", rows).await;
        let foreign = Person { issuer: "https://accounts.example".to_owned(), ..person("alice") };
        let foreign = with(|team| team.members = vec![foreign]);
        all_refused(gate, "C3", vec![("members[0].issuer", foreign)]).await;
        let claimed = with(|team| team.claimed = true);
        all_refused(gate, "D10", vec![("members", claimed)]).await;
        gate.admin().team_with(CreateTeamRequest::default()).await.bad_field("team", "E1");
    }

    async fn e1_teams_at_their_limits_are_taken(gate) {
        let admin = gate.admin();
        admin.team(with(|team| team.members = people(1_000))).await.granted();
        for name in good_names() {
            admin.team(Team { id: name.clone(), name, ..team("", &[]) }).await.granted();
        }
    }

    async fn e1_bad_masks_and_guards_of_teams_are_refused(gate) {
        let admin = gate.admin();
        admin.team(with(|_| {})).await.granted();
        admin.team(Team { claimed: true, ..team("claimed", &[]) }).await.granted();
        let entries = gate.entries().await;
        let update = |paths: &[&str], etag: &str| UpdateTeamRequest {
            team: Some(with(|team| team.members.clear())),
            update_mask: mask(paths),
            etag: etag.to_owned(),
            request_id: String::new(),
        };
        let none = UpdateTeamRequest { update_mask: None, ..update(&[], "") };
        admin.update_team_with(none).await.bad_field("update_mask", "E1");
        for paths in [&[][..], &["id"], &["*"], &["claimed"], &["members", "etag"], &["Members"]] {
            admin.update_team_with(update(paths, "")).await.bad_field("update_mask", "E1");
        }
        let path = &["members"];
        let wrong = admin.update_team_with(update(path, "wrong")).await;
        assert_eq!(wrong.refused("ETAG_MISMATCH", "D11").code, Code::Aborted);
        admin.update_team_with(update(path, &"7".repeat(257))).await.bad_field("etag", "E1");
        let missing = UpdateTeamRequest { team: None, ..update(path, "") };
        admin.update_team_with(missing).await.bad_field("team", "E1");
        admin.members(team("claimed", &["alice"])).await.bad_field("team.members", "D10");
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_unknown_teams_are_not_found(gate) {
        let admin = gate.admin();
        admin.team(with(|_| {})).await.granted();
        let entries = gate.entries().await;
        admin.get_team("absent").await.refused("NOT_FOUND", "E1");
        admin.get_team("").await.bad_field("team_id", "E1");
        admin.delete_team("absent").await.refused("NOT_FOUND", "E1");
        admin.delete_team("").await.bad_field("team_id", "E1");
        let refused = admin.members(team("absent", &["alice"])).await.refused("NOT_FOUND", "E1");
        assert_eq!((refused.fact("kind"), refused.fact("id")), ("team", "absent"));
        let wrong = DeleteTeamRequest {
            team_id: "security".to_owned(),
            etag: "wrong".to_owned(),
            request_id: String::new(),
        };
        admin.delete_team_with(wrong).await.refused("ETAG_MISMATCH", "D11");
        assert_eq!(gate.entries().await, entries);
    }
}

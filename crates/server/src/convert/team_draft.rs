//! What a policy administrator says about a team, and teams as answers carry them.

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::directory::{Team, TeamDraft, TeamField};
use countersign_domain::ids::TeamId;
use countersign_proto::v1;

use super::identity::show_person;
use super::policy_draft::{name, people};
use super::{fields, window};

const MEMBERS_LIMIT: usize = 1_000;

/// All fields that an update may name.
pub(crate) const ALL: [TeamField; 3] =
    [TeamField::Name, TeamField::Description, TeamField::Members];

/// The named fields of a team, checked; the others are left empty, and nobody takes them over.
pub(crate) fn team_draft(
    message: &v1::Team,
    named: &BTreeSet<TeamField>,
    people_issuer: &str,
) -> Result<TeamDraft, Refusal> {
    let mut draft = TeamDraft {
        id: fields::id("team.id", &message.id, TeamId::parse)?,
        name: String::new(),
        description: String::new(),
        members: BTreeSet::new(),
        claimed: message.claimed,
    };
    for field in named {
        match field {
            TeamField::Name => {
                draft.name = name("team.name", &message.name, draft.id.as_str())?;
            }
            TeamField::Description => {
                draft.description = fields::paragraph("team.description", &message.description)?;
            }
            TeamField::Members => {
                let field = "team.members";
                fields::at_most(field, message.members.len(), MEMBERS_LIMIT)?;
                draft.members = people(field, &message.members, people_issuer)?;
            }
        }
    }
    Ok(draft)
}

/// A team as kept.
pub(crate) fn show_team(team: &Team) -> v1::Team {
    let draft = &team.draft;
    v1::Team {
        id: draft.id.to_string(),
        name: draft.name.clone(),
        description: draft.description.clone(),
        members: draft.members.iter().map(show_person).collect(),
        claimed: draft.claimed,
        revision: team.revision,
        etag: team.etag(),
        created_at: Some(window::timestamp(team.created.instant)),
        updated_at: Some(window::timestamp(team.stamp.instant)),
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Instant;
    use countersign_domain::log::Stamp;

    use super::super::fields::tests::field_of;
    use super::*;

    fn message() -> v1::Team {
        let member = v1::Person {
            issuer: String::new(),
            subject: "alice".to_owned(),
        };
        v1::Team {
            id: "security".to_owned(),
            description: "Those on call.".to_owned(),
            members: vec![member],
            ..v1::Team::default()
        }
    }

    fn read(message: &v1::Team) -> Result<TeamDraft, Refusal> {
        team_draft(message, &ALL.into(), "local")
    }

    #[test]
    fn d8_teams_come_back_with_what_the_server_set() {
        let stamp = Stamp {
            sequence: 9,
            instant: Instant::EPOCH,
        };
        let draft = read(&message()).unwrap();
        let shown = show_team(&Team {
            draft,
            revision: 2,
            created: stamp,
            stamp,
        });
        assert_eq!((shown.name.as_str(), shown.revision), ("security", 2));
        assert_eq!(shown.members[0].issuer, "local");
        assert_eq!(shown.etag, "9");
        assert!(shown.created_at.is_some());
    }

    #[test]
    fn e2_bad_teams_are_refused_by_field() {
        let many = (0..=MEMBERS_LIMIT)
            .map(|n| v1::Person {
                issuer: String::new(),
                subject: n.to_string(),
            })
            .collect();
        let rows = [
            (
                "id",
                v1::Team {
                    id: String::new(),
                    ..message()
                },
            ),
            (
                "name",
                v1::Team {
                    name: "a\nb".to_owned(),
                    ..message()
                },
            ),
            (
                "description",
                v1::Team {
                    description: "x".repeat(4_097),
                    ..message()
                },
            ),
            (
                "members",
                v1::Team {
                    members: many,
                    ..message()
                },
            ),
            (
                "members[0].subject",
                v1::Team {
                    members: vec![v1::Person::default()],
                    ..message()
                },
            ),
        ];
        for (field, message) in rows {
            assert_eq!(field_of(read(&message)), format!("team.{field}"));
        }
    }
}

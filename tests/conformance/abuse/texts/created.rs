//! The names of whatever is created.

use countersign_proto::v1::Link;

use super::super::call::{create_team, freeze, policy, task, token};
use super::Field;
use crate::gate::{ids, person, tags};

pub(super) fn fields() -> Vec<Field> {
    let mut fields = of_tasks();
    fields.extend(of_policies());
    fields.extend(of_teams_and_freezes());
    fields.extend(of_tokens());
    fields
}

fn of_tasks() -> Vec<Field> {
    vec![
        ("task.id", |text| task("", |it| it.id = text.to_owned())),
        ("task.project", |text| {
            task("t1", |it| it.project = text.to_owned())
        }),
        ("task.environment", |text| {
            task("t2", |it| it.environment = text.to_owned())
        }),
        ("task.release", |text| {
            task("t3", |it| it.release = text.to_owned())
        }),
        ("task.tenant", |text| {
            task("t4", |it| it.tenant = text.to_owned())
        }),
        ("task.runner", |text| {
            task("t5", |it| it.runner = text.to_owned())
        }),
        ("task.title", |text| {
            task("t6", |it| it.title = text.to_owned())
        }),
        ("task.artifact_digest", |text| {
            task("t7", |it| it.artifact_digest = format!("sha256:{text}"))
        }),
        ("task.project_tags[0]", |text| {
            task("t8", |it| it.project_tags = vec![format!("set/{text}")])
        }),
        ("task.environment_tags[0]", |text| {
            task("t9", |it| it.environment_tags = vec![format!("{text}/tag")])
        }),
        ("task.links[0].title", |text| {
            task("t10", |it| {
                it.links = vec![link(text, "https://ci.example/1")];
            })
        }),
        ("task.links[0].url", |text| {
            task("t11", |it| {
                it.links = vec![link("Build", &format!("https://ci.example/{text}"))];
            })
        }),
        ("task.labels", |text| {
            task("t12", |it| {
                it.labels = [(text.to_owned(), String::new())].into();
            })
        }),
        ("task.labels[\"key\"]", |text| {
            task("t13", |it| {
                it.labels = [("key".to_owned(), text.to_owned())].into();
            })
        }),
        ("task.creator.display_name", |text| {
            task("t14", |it| {
                it.creator.as_mut().unwrap().display_name = text.to_owned();
            })
        }),
        ("task.creator.person.subject", |text| {
            task("t15", |it| {
                it.creator.as_mut().unwrap().person = Some(person(text));
            })
        }),
    ]
}

fn link(title: &str, url: &str) -> Link {
    Link {
        title: title.to_owned(),
        url: url.to_owned(),
    }
}

fn of_policies() -> Vec<Field> {
    vec![
        ("policy.id", |text| policy("", |it| it.id = text.to_owned())),
        ("policy.name", |text| {
            policy("p1", |it| it.name = text.to_owned())
        }),
        ("policy.approvers.users[0].subject", |text| {
            policy("p2", |it| {
                it.approvers.as_mut().unwrap().users = vec![person(text)];
            })
        }),
        ("policy.scopes[0].projects.ids[0]", |text| {
            policy("p3", |it| it.scopes[0].projects = ids(&[text]))
        }),
        ("policy.scopes[0].environments.tags[0]", |text| {
            policy("p4", |it| {
                it.scopes[0].environments = tags(&[&format!("set/{text}")]);
            })
        }),
        ("policy.scopes[0].tenants[0]", |text| {
            policy("p5", |it| it.scopes[0].tenants = vec![text.to_owned()])
        }),
    ]
}

fn of_teams_and_freezes() -> Vec<Field> {
    vec![
        ("team.id", |text| {
            create_team("", |it| it.id = text.to_owned())
        }),
        ("team.name", |text| {
            create_team("m1", |it| it.name = text.to_owned())
        }),
        ("team.members[0].subject", |text| {
            create_team("m2", |it| it.members = vec![person(text)])
        }),
        ("freeze.id", |text| freeze("", |it| it.id = text.to_owned())),
        ("freeze.scopes[0].projects.ids[0]", |text| {
            freeze("f1", |it| it.scopes[0].projects = ids(&[text]))
        }),
    ]
}

fn of_tokens() -> Vec<Field> {
    vec![
        ("token.id", |text| token("", |it| it.id = text.to_owned())),
        ("token.runner", |text| {
            token("k1", |it| it.runner = text.to_owned())
        }),
        ("token.projects", |text| {
            token("k2", |it| it.projects = vec![text.to_owned()])
        }),
        ("token.environments", |text| {
            token("k3", |it| it.environments = vec![text.to_owned()])
        }),
        ("token.teams[0]", |text| {
            token("k4", |it| it.teams = vec![text.to_owned()])
        }),
        ("token.person.subject", |text| {
            token("k5", |it| {
                it.person.as_mut().unwrap().subject = text.to_owned();
            })
        }),
        ("token.person.issuer", |text| {
            token("k6", |it| {
                it.person.as_mut().unwrap().issuer = text.to_owned();
            })
        }),
    ]
}

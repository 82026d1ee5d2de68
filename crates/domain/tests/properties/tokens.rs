//! Tokens are made, revoked, borne and forgotten at random, against a plain list of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::Gate;
use crate::harness::facts::reply_name;

const IDS: [&str; 5] = ["k0", "k1", "k2", "k3", "k4"];
const GRANTS: [&str; 4] = [
    "",
    "projects=web",
    "projects=web,api",
    "projects=web envs=prod",
];

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    /// Who, id, subject, whether it is a service, which grant, for how long.
    Make(&'static str, &'static str, &'static str, bool, usize, i64),
    Revoke(&'static str, &'static str),
    /// Does something that anybody may do here.
    Act(&'static str),
}

/// One token, as a list would say it.
struct Known {
    id: &'static str,
    subject: &'static str,
    service: bool,
    grant: usize,
    until: i64,
    revoked: bool,
}

#[derive(Default)]
struct Model {
    now: i64,
    tokens: Vec<Known>,
}

impl Model {
    fn find(&self, id: &str) -> Option<&Known> {
        self.tokens.iter().find(|known| known.id == id)
    }

    /// The grant of a caller; `None` if the credential has ended.
    fn grant(&self, who: &str) -> Option<usize> {
        let Some(id) = who.strip_prefix('#') else {
            return Some(0);
        };
        let known = self.find(id)?;
        (!known.revoked && self.now < known.until).then_some(known.grant)
    }

    fn take(&mut self, step: &Step) -> (String, &'static str) {
        match *step {
            Step::Wait(seconds) => {
                self.now += seconds;
                (String::new(), "")
            }
            Step::Make(who, id, subject, service, grant, life) => {
                let until = self.now + life;
                let kind = if service { "service" } else { "person" };
                let line = format!(
                    "{who} token {id} as={subject} kind={kind} until={until} {}",
                    GRANTS[grant]
                );
                let reply = self.make(who, id, subject, service, grant, until);
                (line, reply)
            }
            Step::Revoke(who, id) => (format!("{who} revoke-token {id}"), self.revoke(who, id)),
            Step::Act(who) => {
                let ended = self.grant(who).is_none();
                let reply = if ended { "CredentialEnded" } else { "Done" };
                (format!("{who} accept-clock -"), reply)
            }
        }
    }

    fn make(
        &mut self,
        who: &str,
        id: &'static str,
        subject: &'static str,
        service: bool,
        grant: usize,
        until: i64,
    ) -> &'static str {
        let Some(own) = self.grant(who) else {
            return "CredentialEnded";
        };
        if self.find(id).is_some() {
            return "TokenIdTaken";
        }
        let mut same = self.tokens.iter().filter(|known| known.subject == subject);
        if until <= self.now || same.any(|known| known.service != service) {
            return "InvalidField";
        }
        if !includes(own, grant) {
            return "ScopeOutsideGrant";
        }
        self.tokens.push(Known {
            id,
            subject,
            service,
            grant,
            until,
            revoked: false,
        });
        "Done"
    }

    fn revoke(&mut self, who: &str, id: &str) -> &'static str {
        let Some(own) = self.grant(who) else {
            return "CredentialEnded";
        };
        let mut known = self.tokens.iter_mut().filter(|known| known.id == id);
        match known.next() {
            Some(known) if includes(own, known.grant) => {
                known.revoked = true;
                "Done"
            }
            Some(_) | None => "NotFound",
        }
    }
}

/// Which of [`GRANTS`] include which.
fn includes(own: usize, other: usize) -> bool {
    match own {
        0 => true,
        1 => matches!(other, 1 | 3),
        2 => matches!(other, 1..=3),
        _ => other == 3,
    }
}

fn step() -> impl Strategy<Value = Step> {
    let who = || select(&["acc", "acc", "program", "#k0", "#k1", "#k2", "#k3", "#k4"][..]);
    let bearer = select(&["acc", "#k0", "#k1", "#k2", "#k3", "#k4"][..]);
    let id = || select(&IDS[..]);
    let make = (
        who(),
        id(),
        select(&["ann", "bob", "ci"][..]),
        any::<bool>(),
        0..GRANTS.len(),
        select(&[0i64, 1, 5, 20, 90][..]),
    );
    prop_oneof![
        2 => select(&[1i64, 1, 4, 15][..]).prop_map(Step::Wait),
        4 => make.prop_map(|(who, id, subject, service, grant, life)| {
            Step::Make(who, id, subject, service, grant, life)
        }),
        2 => (who(), id()).prop_map(|(who, id)| Step::Revoke(who, id)),
        4 => bearer.prop_map(Step::Act),
    ]
}

proptest! {
    #![proptest_config(super::cases(1_500))]

    #[test]
    fn i12_tokens_do_what_a_plain_list_of_them_says(steps in vec(step(), 1..40)) {
        let mut gate = Gate::new();
        let mut model = Model::default();
        let mut said = String::new();
        for step in &steps {
            let (line, expected) = model.take(step);
            if line.is_empty() {
                continue;
            }
            let line = format!("{} {line}", model.now);
            let found = reply_name(&gate.say(&line).0);
            said.push_str(&format!("{line} -> {found}\n"));
            prop_assert_eq!(found, expected, "{}", said);
        }
        gate.check_all();
        for known in &model.tokens {
            let id = crate::harness::people::token_id(known.id);
            let token = gate.directory.token(&id).unwrap();
            prop_assert_eq!(token.revoked.is_some(), known.revoked);
        }
    }
}

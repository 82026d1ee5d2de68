//! From the text of a file to cases that can be played.

use crate::Case;
use crate::case::File;
use crate::check::check;
use crate::schema::Schema;

/// A file is at most this long.
const BYTES_MAX: usize = 1 << 20;

/// Why a file holds no cases that could be played.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct BadCase {
    /// The file, and the case where one is to blame.
    place: String,
    why: String,
}

impl BadCase {
    pub(crate) fn new(place: &str, why: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            why: why.into(),
        }
    }
}

/// Reads the cases of a topic: the text of its file, in YAML.
pub fn read(topic: &str, text: &str) -> Result<Vec<Case>, BadCase> {
    if text.len() > BYTES_MAX {
        let why = format!("found {} bytes; allowed: {BYTES_MAX}", text.len());
        return Err(BadCase::new(topic, why));
    }
    let file: File =
        serde_saphyr::from_str(text).map_err(|error| BadCase::new(topic, error.to_string()))?;
    let schema = Schema::new().map_err(|error| BadCase::new(topic, error.to_string()))?;
    let mut cases: Vec<Case> = Vec::new();
    for written in file.cases {
        let case = Case {
            topic: topic.to_owned(),
            name: written.name,
            rules: written.rules,
            needs: written.needs,
            given: written.given.over(&file.given),
            steps: written.steps,
        };
        let title = case.title();
        if cases.iter().any(|other| other.name == case.name) {
            return Err(BadCase::new(&title, "another case has the same name"));
        }
        check(&case, &schema).map_err(|why| BadCase::new(&title, why))?;
        cases.push(case);
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::read;

    const GOOD: &str = "\
about: Approvals.
given:
  task: {kind: DEPLOYMENT, project: web, environment: production}
  policies:
    - id: prod
      minimum_approvals: 1
      approvers: {users: [alice]}
      scopes: [{projects: {ids: [web]}, environments: {ids: [production]}}]
cases:
  - name: one approval is enough
    rules: [D1]
    steps:
      - as: orchestrator
        call: CreateChangeRequest
        request: {task: {id: deploy-1}}
        keep: {cr: change_request.id}
        expect: {task: {state: PAUSED}}
      - at: 1s
        as: mallory
        call: Approve
        request: {change_request: $cr}
        refused: {code: PERMISSION_DENIED, reason: NOT_AN_APPROVER, rule: D1}
        then: {tasks: {deploy-1: {state: PAUSED}}}
";

    /// What is changed in the good file, to what, and what is said then; nothing where it is good
    /// still.
    const ROWS: &[(&str, &str, &str)] = &[
        ("about: Approvals.\n", "", "about"),
        ("rules: [D1]", "rule: [D1]", "rule"),
        ("rules: [D1]", "rules: []", "names no rule"),
        ("rules: [D1]", "rules: [D1, D13]", "there is no rule D13"),
        (
            "rules: [D1]",
            "rules: [D2]",
            "is refused by D1, which the case does not name",
        ),
        (
            "call: Approve",
            "call: Aprove",
            "step 2: there is no method Aprove",
        ),
        (
            "call: Approve",
            "call: WatchSignals",
            "step 2: WatchSignals is a stream",
        ),
        (
            "as: mallory",
            "as: mallet",
            "step 2: the cases know no caller mallet",
        ),
        ("at: 1s", "at: soon", "step 2: at: found \"soon\""),
        (
            "{change_request: $cr}",
            "{change_request: $rc}",
            "no step before keeps $rc",
        ),
        (
            "{change_request: $cr}",
            "{task: $cr}",
            "step 2: request: task: ApproveRequest has no",
        ),
        (
            "code: PERMISSION_DENIED",
            "code: DENIED",
            "there is no code DENIED",
        ),
        (
            "reason: NOT_AN_APPROVER",
            "reason: NO",
            "there is no reason NO",
        ),
        (
            "expect: {task: {state: PAUSED}}",
            "expect: {task: {state: HELD}}",
            "no value HELD",
        ),
        (
            "{deploy-1: {state: PAUSED}}",
            "{deploy-1: {states: 1}}",
            "then: deploy-1: states:",
        ),
        (
            "minimum_approvals: 1",
            "minimum_approvals: -1",
            "given: policy 1",
        ),
        (
            "environment: production}\n",
            "environment: 7}\n",
            "given: task: environment:",
        ),
        ("ids: [web]", "ids: [\"*\"]", ""),
    ];

    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        read("topic", &GOOD.replacen(from, to, 1))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_good_file_is_read() {
        let cases = read("approving", GOOD).unwrap();
        assert_eq!(cases[0].title(), "approving: one approval is enough");
        assert_eq!(cases[0].given.policies.as_ref().map(Vec::len), Some(1));
    }

    #[test]
    fn what_no_server_could_be_asked_is_refused_with_its_place() {
        for (from, to, told) in ROWS {
            if told.is_empty() {
                assert!(read("topic", &GOOD.replacen(from, to, 1)).is_ok(), "{to}");
            } else {
                let error = refused(from, to);
                assert!(
                    error.starts_with("topic") && error.contains(told),
                    "{to}: {error}"
                );
            }
        }
        let everything = GOOD
            .replace("[web]", "[\"*\"]")
            .replace("[production]", "[\"*\"]");
        let error = read("topic", &everything).unwrap_err().to_string();
        assert!(error.contains("would match tasks of others"), "{error}");
        let twice = format!("{GOOD}{}", &GOOD[GOOD.find("  - name").unwrap()..]);
        let error = read("topic", &twice).unwrap_err().to_string();
        assert!(error.contains("the same name"), "{error}");
    }
}

//! Change requests with their tasks, put together from rows in any order.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_domain::batch::KnownRequest;
use countersign_domain::change_request::{Case, ChangeRequest};
use countersign_domain::ids::{CrNumber, RequestId, TaskId};
use countersign_domain::log::Body;
use countersign_domain::person::Person;
use countersign_domain::policy::ResultantPolicy;
use countersign_domain::rows::{CrRow, TaskRow, read};
use countersign_domain::task::Task;
use sea_orm::QueryResult;

use super::RowReader;
use crate::UnreadableRow;
use crate::sql::cases::{CHANGE_REQUEST, PICKED, REQUEST, TASK};

/// What the rows of one statement of `sql::cases` hold.
#[derive(Debug, Default)]
pub(crate) struct CaseParts {
    change_requests: BTreeMap<CrNumber, ChangeRequest>,
    tasks: BTreeMap<CrNumber, BTreeMap<TaskId, Task>>,
    /// Calls that were made before.
    pub(crate) requests: Vec<((Person, RequestId), KnownRequest)>,
    /// What a list picked: a number, and where tasks were picked the task.
    pub(crate) picked: Vec<(CrNumber, Option<TaskId>)>,
}

impl CaseParts {
    pub(crate) fn read(rows: &[QueryResult]) -> Result<Self, UnreadableRow> {
        let mut parts = Self::default();
        for row in rows {
            parts.take_in(row)?;
        }
        Ok(parts)
    }

    fn take_in(&mut self, row: &QueryResult) -> Result<(), UnreadableRow> {
        let any = RowReader::new(row, "change_requests or tasks", "?".to_owned());
        let what: i64 = any.value(0, "what")?;
        let number = any.number(1, "number")?;
        match what {
            CHANGE_REQUEST => {
                let found = change_request(row, number)?;
                self.change_requests.insert(CrNumber(number), found);
            }
            TASK => {
                let found = task(row, number)?;
                let of = self.tasks.entry(CrNumber(number)).or_default();
                of.insert(found.id().clone(), found);
            }
            REQUEST => self.requests.extend(request(row, number)?),
            PICKED => {
                let id = any.optional_text(2, "id")?.map(TaskId::from_stored);
                self.picked.push((CrNumber(number), id));
            }
            _ => return Err(any.problem("what", format!("{what} is no kind of row"))),
        }
        Ok(())
    }

    /// The digests of all resultant policies that are needed.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &str> {
        self.change_requests
            .values()
            .map(|found| found.content.resultant.as_str())
    }

    /// The cases, by number.
    pub(crate) fn finish(
        mut self,
        resultants: &BTreeMap<String, Arc<ResultantPolicy>>,
    ) -> Result<BTreeMap<CrNumber, Case>, UnreadableRow> {
        let mut cases = BTreeMap::new();
        for (number, change_request) in self.change_requests {
            let digest = &change_request.content.resultant;
            let resultant = resultants
                .get(digest)
                .cloned()
                .ok_or_else(|| UnreadableRow {
                    table: "change_requests",
                    column: "resultant",
                    row: number.0.to_string(),
                    problem: format!("no resultant policy is stored under {digest}"),
                })?;
            let tasks = self.tasks.remove(&number).unwrap_or_default();
            cases.insert(
                number,
                Case {
                    change_request,
                    resultant,
                    tasks,
                },
            );
        }
        match self.tasks.first_key_value() {
            None => Ok(cases),
            Some((number, _)) => Err(UnreadableRow {
                table: "change_requests",
                column: "number",
                row: number.0.to_string(),
                problem: "tasks name it, but it is not there".to_owned(),
            }),
        }
    }
}

fn change_request(row: &QueryResult, number: u64) -> Result<ChangeRequest, UnreadableRow> {
    let reader = RowReader::new(row, "change_requests", number.to_string());
    let (frozen, live) = (reader.text(3, "frozen")?, reader.text(4, "live")?);
    let found = CrRow::parse(&frozen, &live)
        .map_err(|problem| reader.problem("frozen or live", problem.to_string()))?;
    if found.content.number.0 == number {
        Ok(found)
    } else {
        let other = found.content.number.0;
        Err(reader.problem(
            "frozen",
            format!("it is the text of change request {other}"),
        ))
    }
}

/// The tasks of a statement that answers with nothing else.
pub(crate) fn tasks(rows: &[QueryResult]) -> Result<Vec<Task>, UnreadableRow> {
    let read = |row| {
        let number = RowReader::new(row, "tasks", "?".to_owned()).number(1, "change_request")?;
        task(row, number)
    };
    rows.iter().map(read).collect()
}

fn task(row: &QueryResult, number: u64) -> Result<Task, UnreadableRow> {
    let id = RowReader::new(row, "tasks", "?".to_owned()).text(2, "id")?;
    let reader = RowReader::new(row, "tasks", id.clone());
    let (frozen, live) = (reader.text(3, "frozen")?, reader.text(4, "live")?);
    let found = TaskRow::parse(&frozen, &live)
        .map_err(|problem| reader.problem("frozen or live", problem.to_string()))?;
    if found.id().as_str() != id {
        return Err(reader.problem("frozen", format!("it is the text of task {}", found.id())));
    }
    if found.change_request().0 != number {
        let other = found.change_request().0;
        return Err(reader.problem("change_request", format!("its text names {other}")));
    }
    Ok(found)
}

type Request = ((Person, RequestId), KnownRequest);

fn request(row: &QueryResult, sequence: u64) -> Result<Option<Request>, UnreadableRow> {
    let reader = RowReader::new(row, "entries", sequence.to_string());
    let body = Body::parse(&reader.text(3, "body")?)
        .map_err(|problem| reader.problem("body", problem.to_string()))?;
    Ok(body.cause.request().map(|(person, mark)| {
        let known = KnownRequest {
            digest: mark.digest.clone(),
            aggregate: body.aggregate.clone(),
        };
        ((person.clone(), mark.id.clone()), known)
    }))
}

/// Resultant policies as they were read: digest, policy, and the length of its text.
pub(crate) fn known_resultants(
    rows: &[QueryResult],
) -> Result<Vec<(String, Arc<ResultantPolicy>, usize)>, UnreadableRow> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (reader, digest) = RowReader::named(row, "resultants", "digest")?;
        let document = reader.text(1, "document")?;
        let resultant: ResultantPolicy =
            read(&document).map_err(|problem| reader.problem("document", problem.to_string()))?;
        found.push((digest, Arc::new(resultant), document.len()));
    }
    Ok(found)
}

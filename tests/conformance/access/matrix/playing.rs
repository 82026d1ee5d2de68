//! Makes the calls of the table.

use countersign_proto::v1::Mark;
use prost::Message;
use tonic::{Code, Status};

use super::callers::{ELSEWHERE, ROLES, bearer, end_some, strangers};
use super::objects::{Object, absent, stage};
use super::table::{ROWS, Row, letter};
use crate::gate::{Gate, Headers, Raw, Told};

/// What all messages of our streams have in common.
#[derive(Message)]
struct Marked {
    #[prost(message, tag = "2")]
    mark: Option<Mark>,
}

/// Makes every call of the methods whose path begins so, and tells of all that is not as the table
/// says.
pub(super) async fn plays(gate: &Gate, path: &str) {
    stage(gate).await;
    end_some(gate).await;
    let mut player = Player {
        gate,
        raw: gate.raw(),
        stranger: None,
        made: 0,
        object: None,
        complaints: Vec::new(),
    };
    let rows: Vec<&Row> = ROWS
        .iter()
        .filter(|row| row.method.starts_with(path))
        .collect();
    assert!(!rows.is_empty(), "the table has nothing of {path}");
    for row in rows {
        player.play(row).await;
    }
    let told = player.complaints;
    assert!(told.is_empty(), "{}\n{}", told.len(), told.join("\n"));
}

struct Player<'a> {
    gate: &'a Gate,
    raw: Raw,
    /// What the first caller whom nobody knows was told: all others are told the same.
    stranger: Option<Told>,
    made: usize,
    /// What the calls of this row are about, as long as no call used it up.
    object: Option<String>,
    complaints: Vec<String>,
}

impl Player<'_> {
    async fn play(&mut self, row: &Row) {
        self.object = None;
        for (what, headers) in strangers() {
            let expected = if row.open { '*' } else { 'U' };
            self.cell(row, &what, &headers, expected).await;
        }
        for (role, expected) in ROLES.into_iter().zip(row.inside.chars()) {
            self.cell(row, role, &bearer(role), expected).await;
        }
        for (role, expected) in ROLES.into_iter().zip(row.outside.chars()) {
            let id = format!("{role}{ELSEWHERE}");
            self.cell(row, &id, &bearer(&id), expected).await;
        }
    }

    async fn cell(&mut self, row: &Row, caller: &str, headers: &Headers, expected: char) {
        let name = self.name(row.object).await;
        let before = self.gate.entries().await;
        let answer = self.call(row, headers, &name).await;
        let is_changed = self.gate.entries().await != before;
        let found = found(&answer, &name);
        let complaint = match &answer {
            _ if found != expected && !(expected == '+' && found == '-') => {
                let told = answer.as_ref().map(|_| "an answer");
                Some(format!(
                    "expected {expected}, found {found}: {:?}",
                    told.map_err(Told::from)
                ))
            }
            Err(_) if is_changed => Some("refused, and the log has grown".to_owned()),
            Err(status) => self.unlike(row, headers, &name, &Told::from(status)).await,
            Ok(_) => None,
        };
        if is_changed {
            self.object = None;
        }
        let asked = format!("{} about {name:?} ({:?})", row.method, row.object);
        let complaint = complaint.map(|it| format!("{asked} by {caller:?}: {it}"));
        self.complaints.extend(complaint);
    }

    /// The name of an object that no call has used up.
    async fn name(&mut self, object: Object) -> String {
        if let Some(name) = &self.object {
            return name.clone();
        }
        self.made += 1;
        let name = object.make(self.gate, self.made).await;
        self.object = Some(name.clone());
        name
    }

    async fn call(&self, row: &Row, headers: &Headers, name: &str) -> Result<Vec<u8>, Status> {
        let last = last_message(row.method);
        let message = (row.request)(name);
        self.raw.call(row.method, headers, message, last).await
    }

    /// How a refusal differs from one of which nothing can be learned.
    async fn unlike(
        &mut self,
        row: &Row,
        headers: &Headers,
        name: &str,
        told: &Told,
    ) -> Option<String> {
        match told.code {
            Code::Unauthenticated => {
                let first = self.stranger.get_or_insert_with(|| told.clone());
                (first != told).then(|| format!("found {told:?}, others were told {first:?}"))
            }
            Code::NotFound => {
                let absent = absent(name);
                let answer = self.call(row, headers, &absent).await;
                let other = match &answer {
                    Ok(_) => return Some(format!("{absent:?} is there")),
                    Err(status) => Told::from(status).about(&absent, name),
                };
                (other != *told).then(|| format!("found {told:?}, of {absent:?} {other:?}"))
            }
            _ => None,
        }
    }
}

fn found(answer: &Result<Vec<u8>, Status>, name: &str) -> char {
    match answer {
        Ok(bytes) => {
            let mut places = bytes.windows(name.len().max(1));
            let tells = name.is_empty() || places.any(|place| place == name.as_bytes());
            if tells { '*' } else { '-' }
        }
        Err(status) => letter(&Told::from(status).reason).unwrap_or('?'),
    }
}

/// By what the last message is known that a call waits for. A unary method ends by itself.
fn last_message(method: &str) -> fn(&[u8]) -> bool {
    match method {
        "/grpc.health.v1.Health/Watch" => |_| true,
        _ if method.contains("/Watch") => {
            |message| Marked::decode(message).is_ok_and(|message| message.mark.is_some())
        }
        _ => |_| false,
    }
}

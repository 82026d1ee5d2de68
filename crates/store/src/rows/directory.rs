//! Policies, teams, freezes and tokens.

use countersign_domain::directory::Directory;
use countersign_domain::rows::{FreezeRow, PolicyRow, TeamRow, TokenRow};
use sea_orm::QueryResult;

use super::RowReader;
use crate::UnreadableRow;
use crate::sql::directory::{FREEZE, POLICY, REVISION, TEAM, TOKEN};

/// The directory, from the rows of `sql::directory::all`.
pub(crate) fn directory(rows: &[QueryResult]) -> Result<Directory, UnreadableRow> {
    let mut revision = 0;
    let mut policies = Vec::new();
    let mut teams = Vec::new();
    let mut freezes = Vec::new();
    let mut tokens = Vec::new();
    for row in rows {
        let any = RowReader::new(row, "policies, teams, freezes or tokens", "?".to_owned());
        match any.value::<i64>(0, "what")? {
            REVISION => revision = any.number(3, "directory_revision")?,
            POLICY => {
                let reader = RowReader::new(row, "policies", any.text(1, "id")?);
                let policy = PolicyRow::parse(&reader.text(2, "document")?)
                    .map_err(|problem| reader.problem("document", problem.to_string()))?;
                policies.push(policy);
            }
            TEAM => {
                let reader = RowReader::new(row, "teams", any.text(1, "id")?);
                let team = TeamRow::parse(&reader.text(2, "document")?)
                    .map_err(|problem| reader.problem("document", problem.to_string()))?;
                teams.push(team);
            }
            FREEZE => {
                let reader = RowReader::new(row, "freezes", any.text(1, "id")?);
                let freeze = FreezeRow::parse(&reader.text(2, "document")?)
                    .map_err(|problem| reader.problem("document", problem.to_string()))?;
                freezes.push(freeze);
            }
            TOKEN => {
                let reader = RowReader::new(row, "tokens", any.text(1, "id")?);
                let token = TokenRow::parse(&reader.text(2, "document")?)
                    .map_err(|problem| reader.problem("document", problem.to_string()))?;
                tokens.push(token);
            }
            other => return Err(any.problem("what", format!("{other} is no kind of row"))),
        }
    }
    Ok(Directory::from_rows(
        revision, policies, teams, freezes, tokens,
    ))
}

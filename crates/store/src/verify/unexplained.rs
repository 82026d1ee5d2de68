//! The other way round: every stored row must have an entry, and what it refers to.

use super::{ROW_PAGE, VerifyError};
use crate::Store;
use crate::rows::RowReader;
use crate::sql::verify::{KeyPage, change_request_page, key_page};

pub(super) async fn check(store: &Store) -> Result<(), VerifyError> {
    change_requests(store).await?;
    keys(store, KeyPage::Tasks, "tasks").await?;
    keys(store, KeyPage::Policies, "policies").await?;
    keys(store, KeyPage::Teams, "teams").await?;
    keys(store, KeyPage::Freezes, "freezes").await?;
    keys(store, KeyPage::Tokens, "tokens").await
}

async fn change_requests(store: &Store) -> Result<(), VerifyError> {
    const TABLE: &str = "change_requests";
    let mut after = 0;
    loop {
        let statement = change_request_page(store.backend(), after, ROW_PAGE);
        let page = store.read("read change requests", statement).await?;
        if page.is_empty() {
            return Ok(());
        }
        for row in page {
            let (reader, number) = RowReader::numbered(&row, TABLE, "number")?;
            let key = number.to_string();
            if !reader.value::<bool>(1, "known")? {
                return Err(VerifyError::RowUnexplained { table: TABLE, key });
            }
            if !reader.value::<bool>(2, "resultant")? {
                let digest = format!("of change request {number}");
                return Err(VerifyError::RowMissing {
                    table: "resultants",
                    key: digest,
                });
            }
            after = number;
        }
    }
}

async fn keys(store: &Store, page: KeyPage, table: &'static str) -> Result<(), VerifyError> {
    let mut after = String::new();
    loop {
        let statement = key_page(store.backend(), page, &after, ROW_PAGE);
        let found = store.read("read keys", statement).await?;
        if found.is_empty() {
            return Ok(());
        }
        for row in found {
            let (reader, key) = RowReader::named(&row, table, "id")?;
            if !reader.value::<bool>(1, "known")? {
                return Err(VerifyError::RowUnexplained { table, key });
            }
            after = key;
        }
    }
}

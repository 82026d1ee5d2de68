//! Resultant policies: each must be what its digest says, with the parts it is searched by.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::batch::ResultantRow;

use super::{ROW_PAGE, VerifyError, VerifyReport};
use crate::Store;
use crate::rows::{RowReader, known_resultants};
use crate::sql::verify as sql;

/// Documents can be long, so fewer of them are read at once.
const DOCUMENT_PAGE: u64 = 200;

pub(super) async fn check(store: &Store, report: &mut VerifyReport) -> Result<(), VerifyError> {
    let backend = store.backend();
    let mut after = String::new();
    loop {
        let statement = sql::resultant_page(backend, &after, DOCUMENT_PAGE);
        let rows = store.read("read resultant policies", statement).await?;
        let known = known_resultants(&rows)?;
        let Some((last, ..)) = known.last() else {
            break;
        };
        after.clone_from(last);
        let mut parts = parts(store, known.iter().map(|(digest, ..)| digest.as_str())).await?;
        for (row, (digest, resultant, _)) in rows.iter().zip(&known) {
            let differs = |column| VerifyError::RowDiffers {
                table: "resultants",
                key: digest.clone(),
                column,
            };
            let proven = ResultantRow::new(&resultant.digest(), resultant);
            if proven.digest != *digest {
                return Err(differs("digest"));
            }
            let (reader, _) = RowReader::named(row, "resultants", "digest")?;
            if reader.text(1, "document")? != proven.document {
                return Err(differs("document"));
            }
            let stored = parts.remove(digest).unwrap_or_default();
            if stored != proven.parts.into_iter().collect() {
                return Err(differs("parts"));
            }
            report.resultants += 1;
        }
    }
    orphaned_parts(store).await
}

async fn parts(
    store: &Store,
    digests: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, BTreeSet<String>>, VerifyError> {
    let statement = sql::parts_of(store.backend(), digests);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in store
        .read("read parts of resultant policies", statement)
        .await?
    {
        let (reader, digest) = RowReader::named(&row, "resultant_parts", "digest")?;
        found
            .entry(digest)
            .or_default()
            .insert(reader.text(1, "part")?);
    }
    Ok(found)
}

async fn orphaned_parts(store: &Store) -> Result<(), VerifyError> {
    let mut after = (String::new(), String::new());
    loop {
        let statement = sql::part_page(store.backend(), (&after.0, &after.1), ROW_PAGE);
        let page = store.read("read parts", statement).await?;
        if page.is_empty() {
            return Ok(());
        }
        for row in page {
            let (reader, part) = RowReader::named(&row, "resultant_parts", "part")?;
            let digest = reader.text(1, "digest")?;
            if !reader.value::<bool>(2, "known")? {
                return Err(VerifyError::RowUnexplained {
                    table: "resultant_parts",
                    key: part,
                });
            }
            after = (part, digest);
        }
    }
}

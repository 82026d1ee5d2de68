//! `countersign verify`: proves the log and all rows.

use anyhow::Context as _;
use countersign_server::{Hash, verify};

use crate::arguments::Verify;
use crate::output;

/// Proves a store, and prints what was proven.
pub(crate) async fn run(arguments: Verify) -> anyhow::Result<()> {
    let kept = arguments
        .expect_head
        .as_deref()
        .map(parse_head)
        .transpose()?;
    let store = arguments.store.config()?;
    let report = verify(&store, kept).await.map_err(|error| {
        let found = error.is_finding();
        anyhow::Error::from(error).context(if found {
            "the store does not prove"
        } else {
            "the store could not be verified"
        })
    })?;
    output::line(&format!(
        "{} entries, chained without a gap",
        report.entries
    ))?;
    output::line(&format!(
        "{} change requests, {} tasks, {} policies, {} teams, {} freezes, {} tokens: each row is \
         what its entries say",
        report.change_requests,
        report.tasks,
        report.policies,
        report.teams,
        report.freezes,
        report.tokens
    ))?;
    if let Some(head) = report.head {
        output::line(&format!("head {}:{}", head.sequence, head.hash))?;
    }
    Ok(())
}

fn parse_head(text: &str) -> anyhow::Result<(u64, Hash)> {
    let parts = text
        .split_once(':')
        .and_then(|(sequence, hash)| Some((sequence.parse().ok()?, Hash::parse(hash)?)));
    parts.with_context(|| {
        format!("found the head {text:?}; allowed: SEQUENCE:HASH, as `verify` prints it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let hash = "ab".repeat(32);
        let (sequence, found) = parse_head(&format!("42:{hash}")).unwrap();
        assert_eq!((sequence, found.to_string()), (42, hash));
        for bad in ["", "42", "42:abc", ":abab", "x:abab"] {
            assert!(parse_head(bad).is_err(), "{bad:?}");
        }
    }
}

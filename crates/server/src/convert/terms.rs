//! The terms of policies: quorum, sharing and times to live (G2, S1, W7).

use countersign_domain::Refusal;
use countersign_domain::policy::{Quorum, Sharing, TimeToLive};
use countersign_proto::v1;
use prost_types::Duration;

use super::fields;
use super::window::{duration, micros};

/// Whose approvals meet the minimum; left out, anyone's.
pub(crate) fn quorum(value: i32) -> Result<Quorum, Refusal> {
    match v1::Quorum::try_from(value) {
        Ok(v1::Quorum::Unspecified | v1::Quorum::Pooled) => Ok(Quorum::Pooled),
        Ok(v1::Quorum::Own) => Ok(Quorum::Own),
        Err(_) => {
            let allowed = "QUORUM_POOLED or QUORUM_OWN, or nothing";
            Err(fields::bad_enum("policy.quorum", value, allowed))
        }
    }
}

/// Which tasks share a change request; left out, other policies say.
pub(crate) fn sharing(value: i32) -> Result<Option<Sharing>, Refusal> {
    match v1::Sharing::try_from(value) {
        Ok(v1::Sharing::Unspecified) => Ok(None),
        Ok(v1::Sharing::PerTask) => Ok(Some(Sharing::PerTask)),
        Ok(v1::Sharing::PerReleaseAndTenant) => Ok(Some(Sharing::PerReleaseAndTenant)),
        Ok(v1::Sharing::PerRelease) => Ok(Some(Sharing::PerRelease)),
        Err(_) => {
            let allowed = "SHARING_PER_TASK, SHARING_PER_RELEASE_AND_TENANT or \
                           SHARING_PER_RELEASE, or nothing";
            Err(fields::bad_enum("policy.sharing", value, allowed))
        }
    }
}

/// A time to live, if one is given.
pub(crate) fn time_to_live(
    field: &str,
    message: Option<&Duration>,
) -> Result<Option<TimeToLive>, Refusal> {
    let Some(length) = message else {
        return Ok(None);
    };
    let found = micros(length).and_then(TimeToLive::from_micros);
    found.map(Some).ok_or_else(|| {
        let found = format!("{} s and {} ns", length.seconds, length.nanos);
        Refusal::field(field, found, "1 second to 3,653 days", "W7")
    })
}

/// Whose approvals meet the minimum, as answers carry it.
pub(crate) fn show_quorum(quorum: Quorum) -> v1::Quorum {
    match quorum {
        Quorum::Pooled => v1::Quorum::Pooled,
        Quorum::Own => v1::Quorum::Own,
    }
}

/// Which tasks share a change request, as answers carry it.
pub(crate) fn show_sharing(sharing: Option<Sharing>) -> v1::Sharing {
    match sharing {
        None => v1::Sharing::Unspecified,
        Some(Sharing::PerTask) => v1::Sharing::PerTask,
        Some(Sharing::PerReleaseAndTenant) => v1::Sharing::PerReleaseAndTenant,
        Some(Sharing::PerRelease) => v1::Sharing::PerRelease,
    }
}

/// A time to live, as answers carry it.
pub(crate) fn show_time_to_live(ttl: TimeToLive) -> Duration {
    duration(ttl.micros())
}

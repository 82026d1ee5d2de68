//! Why a call was refused.

use countersign_proto::ERROR_DOMAIN;
use countersign_proto::v1::ErrorReason;
use tonic::Status;
use tonic_types::StatusExt;

/// The reason of a refusal. `None`: the server gave none, or one that this build does not know.
pub fn reason(status: &Status) -> Option<ErrorReason> {
    let info = status.get_details_error_info()?;
    (info.domain == ERROR_DOMAIN)
        .then(|| ErrorReason::from_wire_name(&info.reason))
        .flatten()
}

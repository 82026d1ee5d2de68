//! The API: messages, services and clients as generated from `proto/`, and the descriptors that
//! reflection serves. The comments of the proto files are the manual.

/// Version 1.
#[allow(
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::doc_markdown,
    clippy::redundant_closure_for_method_calls,
    clippy::semicolon_if_nothing_returned,
    clippy::uninlined_format_args,
    rustdoc::all,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("countersign.v1");
}

/// All proto files with their imports and comments, as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/countersign.bin"));

/// The full paths of all methods, for example `/countersign.v1.AccessService/WhoAmI`: whoever
/// serves them can show that none was forgotten.
pub const METHODS: &[&str] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The domain of every `google.rpc.ErrorInfo` that the server sends.
pub const ERROR_DOMAIN: &str = "countersign.dev";

impl v1::ErrorReason {
    const PREFIX: &str = "ERROR_REASON_";

    /// The reason as it stands in a `google.rpc.ErrorInfo`.
    pub fn wire_name(self) -> &'static str {
        let name = self.as_str_name();
        name.strip_prefix(Self::PREFIX).unwrap_or(name)
    }

    /// Reads a reason from a `google.rpc.ErrorInfo`; `None` where a newer server sends one that
    /// this build does not know.
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::from_str_name(&format!("{}{name}", Self::PREFIX))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::v1::ErrorReason;
    use super::*;

    #[test]
    fn the_descriptors_hold_every_file_with_its_comments() {
        let set = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let ours = set
            .file
            .iter()
            .filter(|file| file.package() == "countersign.v1");
        let services = ours.clone().map(|file| file.service.len()).sum::<usize>();
        assert_eq!(services, 7);
        for file in ours {
            let comments = file
                .source_code_info
                .as_ref()
                .map_or(0, |info| info.location.len());
            assert!(comments > 0, "{}", file.name());
        }
        assert!(
            set.file
                .iter()
                .any(|file| file.name() == "google/protobuf/timestamp.proto")
        );
    }

    #[test]
    fn reasons_have_no_prefix_on_the_wire() {
        let reason = ErrorReason::StartNotNow;
        assert_eq!(reason.wire_name(), "START_NOT_NOW");
        assert_eq!(ErrorReason::from_wire_name("START_NOT_NOW"), Some(reason));
        assert_eq!(
            ErrorReason::from_wire_name("ERROR_REASON_START_NOT_NOW"),
            None
        );
        assert_eq!(ErrorReason::from_wire_name("SOMETHING_NEWER"), None);
    }
}

//! The API as data: its methods by name, its messages to and from JSON.

use countersign_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor,
    SerializeOptions,
};
use serde_json::Value;

const PACKAGE: &str = "countersign.v1";

/// The API.
#[derive(Debug, Clone)]
pub(crate) struct Schema(DescriptorPool);

impl Schema {
    /// The API of this release.
    pub(crate) fn new() -> Result<Self, prost_reflect::DescriptorError> {
        DescriptorPool::decode(FILE_DESCRIPTOR_SET).map(Self)
    }

    /// A method, as `Approve` or `ChangeRequestService/Approve`.
    pub(crate) fn method(&self, name: &str) -> Option<MethodDescriptor> {
        let (service, name) = match name.split_once('/') {
            Some((service, name)) => (Some(service), name),
            None => (None, name),
        };
        let services = self.0.services().filter(|it| it.package_name() == PACKAGE);
        services
            .filter(|it| service.is_none_or(|service| it.name() == service))
            .flat_map(|it| it.methods().collect::<Vec<_>>())
            .find(|it| it.name() == name)
    }

    /// A message, as `Task`.
    pub(crate) fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.0.get_message_by_name(&format!("{PACKAGE}.{name}"))
    }
}

/// The message that a text in proto3 JSON means.
pub(crate) fn from_json(of: MessageDescriptor, json: &Value) -> serde_json::Result<DynamicMessage> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(of, json, &options)
}

/// A message as proto3 JSON, with every field, by the names of the proto files.
pub(crate) fn to_json(message: &DynamicMessage) -> serde_json::Result<Value> {
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(false)
        .use_proto_field_name(true)
        .skip_default_fields(false);
    message.serialize_with_options(serde_json::value::Serializer, &options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn methods_are_found_by_name() {
        let schema = Schema::new().unwrap();
        for name in ["Approve", "ChangeRequestService/Approve", "StartTask"] {
            assert!(schema.method(name).is_some(), "{name}");
        }
        for name in ["approve", "RunnerService/Approve", "Check", ""] {
            assert!(schema.method(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_message_is_shown_with_every_field() {
        let task = Schema::new().unwrap().message("Task").unwrap();
        let message = from_json(task.clone(), &json!({"generation": 3})).unwrap();
        let shown = to_json(&message).unwrap();
        assert_eq!(
            (&shown["generation"], &shown["state"]),
            (&json!(3), &json!("TASK_STATE_UNSPECIFIED"))
        );
        assert_eq!(shown["permit"], Value::Null);
        assert!(from_json(task, &json!({"generations": 3})).is_err());
    }
}

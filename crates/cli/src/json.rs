//! Messages as machines read them: proto3 JSON with every field, by the names of the proto files.

use anyhow::Context as _;
use countersign_proto::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// A message of the API, whose name is this.
pub(crate) fn json(name: &str, message: &impl Message) -> anyhow::Result<Value> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(&format!("countersign.v1.{name}"));
    let descriptor = descriptor.with_context(|| format!("the API has no {name}"))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(false);
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}

#[cfg(test)]
mod tests {
    use countersign_proto::v1;

    use super::*;

    #[test]
    fn every_field_is_there_by_its_name() {
        let token = v1::Token {
            id: "ci".to_owned(),
            roles: vec![v1::Role::AccessAdmin.into()],
            ..v1::Token::default()
        };
        let found = json("Token", &token).unwrap();
        assert_eq!(found["id"], "ci");
        assert_eq!(found["roles"][0], "ROLE_ACCESS_ADMIN");
        assert_eq!(found["revocation_comment"], "");
        assert!(json("Nothing", &token).is_err());
    }
}

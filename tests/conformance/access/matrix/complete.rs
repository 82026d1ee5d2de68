//! The table leaves nothing out: neither a method that is described, nor a service that is served.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorSet;

use super::administration::list_services;
use super::callers::{ROLES, tokens};
use super::table::ROWS;
use crate::gate::{Gate, Headers, Setup, StoreKind};

/// Reflection describes itself nowhere in the tree; its two versions have one method each.
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

fn described() -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = REFLECTION.map(str::to_owned).into();
    let sets = [
        countersign_proto::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
    ];
    for set in sets {
        for file in FileDescriptorSet::decode(set).unwrap().file {
            for service in &file.service {
                let name = format!("{}.{}", file.package(), service.name());
                let methods = service.method.iter();
                paths.extend(methods.map(|method| format!("/{name}/{}", method.name())));
            }
        }
    }
    paths
}

/// The service of a path.
fn service(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap()
}

#[test]
fn i11_every_method_that_is_described_has_a_row_and_no_other() {
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.method.to_owned()).collect();
    assert_eq!(rows, described());
}

#[test]
fn i11_each_method_answers_somebody_and_each_row_has_all_columns() {
    for method in described() {
        let mut rows = ROWS.iter().filter(|row| row.method == method);
        let answers = rows.any(|row| row.inside.contains(['*', '+']));
        assert!(answers, "{method} answers nobody");
    }
    for row in ROWS {
        let columns = (row.inside.len(), row.outside.len());
        assert_eq!(columns, (ROLES.len(), ROLES.len()), "{}", row.method);
        let is_ours = row.method.starts_with("/countersign.");
        assert_eq!(row.open, !is_ours, "{}", row.method);
    }
}

/// What reflection answers, as far as it is looked at here.
#[derive(Message)]
struct Reflected {
    #[prost(message, tag = "6")]
    services: Option<Services>,
}

#[derive(Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<ServiceName>,
}

#[derive(Message)]
struct ServiceName {
    #[prost(string, tag = "1")]
    name: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_every_service_that_reflection_tells_of_has_a_row() {
    let gate = Gate::start(StoreKind::Sqlite, Setup::with_tokens(tokens)).await;
    for path in REFLECTION {
        let nobody = Headers::default();
        let answer = gate
            .raw()
            .call(path, &nobody, list_services(""), |_| false)
            .await;
        let told = Reflected::decode(answer.unwrap().as_slice()).unwrap();
        let told = told.services.expect("the services are listed").service;
        let served: BTreeSet<String> = told.into_iter().map(|it| it.name).collect();
        let rows = ROWS.iter().map(|row| service(row.method).to_owned());
        let rows: BTreeSet<String> = rows.collect();
        assert!(served.is_subset(&rows), "{served:?}");
        let ours = |names: &BTreeSet<String>| {
            let ours = names.iter().filter(|name| name.starts_with("countersign."));
            ours.cloned().collect::<BTreeSet<_>>()
        };
        assert_eq!(ours(&served), ours(&rows));
    }
}

//! Paths that are no methods: whoever has no credential learns not even that, and nobody gets in.

use tonic::Code;

use super::callers::{ROLES, bearer, tokens};
use super::requests::approve;
use crate::gate::{Expect, Headers, PolicySpec, Setup, Told, deployment};

/// Shapes under which a rule might be missed while the method is found.
fn odd_paths() -> Vec<String> {
    let path = "/countersign.v1.ChangeRequestService/Approve";
    vec![
        path.to_lowercase(),
        path.to_uppercase(),
        format!("/{path}"),
        format!("{path}/"),
        format!("{path}/Approve"),
        format!("{path};x"),
        path.replace("Service/", "Service//"),
        path.replace("Service/", "Service/./"),
        path.replace("Service/", "Service/../ChangeRequestService/"),
        path.replace("Service/", "Service%2f"),
        path.replace("Approve", "%41pprove"),
        path.replace("countersign.v1.", ""),
        path.replace("v1", "v2"),
        path.replace("Approve", "ApproveAll"),
        "/grpc.health.v1.Health/../countersign.v1.ChangeRequestService/Approve".to_owned(),
        "/grpc.health.v1.Health/Approve".to_owned(),
        "/grpc.health.v1.health/Check".to_owned(),
        "/".to_owned(),
    ]
}

on_both_stores! { with Setup::with_tokens(tokens);
    async fn i11_odd_paths_lead_nowhere(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        gate.with_token("admin").policy(policy).await.granted();
        gate.with_token("deployer").create(deployment("t1")).await.granted();
        let before = gate.entries().await;
        let raw = gate.raw();
        let path = "/countersign.v1.ChangeRequestService/Approve";
        let stranger = raw.call(path, &Headers::default(), approve("t1"), |_| false).await;
        let stranger = Told::from(&stranger.unwrap_err());
        for path in odd_paths() {
            let none = raw.call(&path, &Headers::default(), approve("t1"), |_| false).await;
            assert_eq!(Told::from(&none.unwrap_err()), stranger, "{path}");
            for role in ROLES {
                let answer = raw.call(&path, &bearer(role), approve("t1"), |_| false).await;
                let told = Told::from(&answer.unwrap_err());
                assert_eq!(told.code, Code::Unimplemented, "{path} {role}");
                assert_eq!(told.reason, "UNKNOWN_METHOD", "{path} {role}");
            }
        }
        assert_eq!(gate.entries().await, before);
        // With a query, the path is the method's: the rule holds as without.
        let asked = format!("{path}?x=1");
        let none = raw.call(&asked, &Headers::default(), approve("t1"), |_| false).await;
        assert_eq!(Told::from(&none.unwrap_err()), stranger);
        let runner = raw.call(&asked, &bearer("web-1"), approve("t1"), |_| false).await;
        assert_eq!(Told::from(&runner.unwrap_err()).reason, "CANNOT_DECIDE");
        assert_eq!(gate.entries().await, before);
        raw.call(path, &bearer("alice"), approve("t1"), |_| false).await.unwrap();
        assert!(gate.entries().await > before, "the honest way works");
    }
}

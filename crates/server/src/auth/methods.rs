//! Which credential may call which method. What does not stand here is denied.

use countersign_domain::Refusal;
use countersign_domain::access::{Principal, Role};

use crate::fault::Fault;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody, without a credential.
    Open,
    /// Anybody with a credential; the domain looks at the rest.
    AnyCredential,
    /// Whoever has one of these roles.
    AnyOf(&'static [Role]),
}

impl Access {
    /// Whether a caller may call.
    fn check(self, caller: &Principal) -> Result<(), Fault> {
        match self {
            Self::Open | Self::AnyCredential => Ok(()),
            Self::AnyOf(allowed) if allowed.iter().any(|&role| caller.has(role)) => Ok(()),
            Self::AnyOf(allowed) => Err(Fault::RoleRequired {
                allowed,
                found: caller.roles.clone(),
            }),
        }
    }
}

/// One method.
#[derive(Debug)]
pub(crate) struct Method {
    /// Its full path.
    pub(crate) path: &'static str,
    /// Who may call it.
    pub(crate) access: Access,
    /// Whether it takes a grant without limits, because what it touches is the whole store's.
    pub(crate) whole_store: bool,
    /// Whether it asks for a change, so that a denial is a matter of security.
    pub(crate) mutates: bool,
    /// Whether it reads the log, so that a grant is one too.
    pub(crate) audited: bool,
}

impl Method {
    /// Whether a caller may call.
    pub(crate) fn check(&self, caller: &Principal) -> Result<(), Fault> {
        self.access.check(caller)?;
        if self.whole_store && !caller.grant.is_unlimited() {
            let what = "the whole store";
            return Err(Refusal::ScopeOutsideGrant { what }.into());
        }
        Ok(())
    }
}

const ANY: Access = Access::AnyCredential;
const ORCHESTRATOR: Access = Access::AnyOf(&[Role::Orchestrator]);
const RUNNER: Access = Access::AnyOf(&[Role::Runner]);
const RUNNER_OR_ORCHESTRATOR: Access = Access::AnyOf(&[Role::Runner, Role::Orchestrator]);
const POLICY_ADMIN: Access = Access::AnyOf(&[Role::PolicyAdmin]);
const FREEZER: Access = Access::AnyOf(&[Role::PolicyAdmin, Role::Operator]);
const AUDITOR: Access = Access::AnyOf(&[Role::Auditor]);
const AUDITOR_OR_OPERATOR: Access = Access::AnyOf(&[Role::Auditor, Role::Operator]);
const ACCESS_READER: Access = Access::AnyOf(&[Role::AccessAdmin, Role::Auditor]);
const OPERATOR: Access = Access::AnyOf(&[Role::Operator]);
const ACCESS_ADMIN: Access = Access::AnyOf(&[Role::AccessAdmin]);

const fn reads(path: &'static str, access: Access) -> Method {
    Method {
        path,
        access,
        whole_store: false,
        mutates: false,
        audited: false,
    }
}

const fn changes(path: &'static str, access: Access) -> Method {
    Method {
        path,
        access,
        whole_store: false,
        mutates: true,
        audited: false,
    }
}

const fn whole_store(method: Method) -> Method {
    Method {
        whole_store: true,
        ..method
    }
}

const fn reads_log(path: &'static str) -> Method {
    Method {
        audited: true,
        ..whole_store(reads(path, AUDITOR))
    }
}

/// All methods of this server.
pub(crate) const METHODS: &[Method] = &[
    changes(
        "/countersign.v1.ChangeRequestService/CreateChangeRequest",
        ORCHESTRATOR,
    ),
    reads("/countersign.v1.ChangeRequestService/GetChangeRequest", ANY),
    reads(
        "/countersign.v1.ChangeRequestService/ListChangeRequests",
        ANY,
    ),
    reads("/countersign.v1.ChangeRequestService/GetTask", ANY),
    reads("/countersign.v1.ChangeRequestService/ListTasks", ANY),
    changes("/countersign.v1.ChangeRequestService/Approve", ANY),
    changes("/countersign.v1.ChangeRequestService/Reject", ANY),
    changes("/countersign.v1.ChangeRequestService/RevokeApproval", ANY),
    changes("/countersign.v1.ChangeRequestService/WithdrawTask", ANY),
    reads("/countersign.v1.ChangeRequestService/WatchStatus", ANY),
    reads("/countersign.v1.RunnerService/WatchSignals", RUNNER),
    changes("/countersign.v1.RunnerService/StartTask", RUNNER),
    changes(
        "/countersign.v1.RunnerService/FinishTask",
        RUNNER_OR_ORCHESTRATOR,
    ),
    changes("/countersign.v1.PolicyService/CreatePolicy", POLICY_ADMIN),
    reads("/countersign.v1.PolicyService/GetPolicy", ANY),
    reads("/countersign.v1.PolicyService/ListPolicies", ANY),
    changes("/countersign.v1.PolicyService/UpdatePolicy", POLICY_ADMIN),
    changes("/countersign.v1.PolicyService/DeletePolicy", POLICY_ADMIN),
    reads("/countersign.v1.PolicyService/PreviewSchedule", ANY),
    changes("/countersign.v1.FreezeService/CreateFreeze", FREEZER),
    reads("/countersign.v1.FreezeService/GetFreeze", ANY),
    reads("/countersign.v1.FreezeService/ListFreezes", ANY),
    changes("/countersign.v1.FreezeService/UpdateFreeze", FREEZER),
    changes("/countersign.v1.FreezeService/DeleteFreeze", FREEZER),
    changes("/countersign.v1.FreezeService/LiftFreeze", FREEZER),
    whole_store(changes(
        "/countersign.v1.TeamService/CreateTeam",
        POLICY_ADMIN,
    )),
    reads("/countersign.v1.TeamService/GetTeam", ANY),
    reads("/countersign.v1.TeamService/ListTeams", ANY),
    whole_store(changes(
        "/countersign.v1.TeamService/UpdateTeam",
        POLICY_ADMIN,
    )),
    whole_store(changes(
        "/countersign.v1.TeamService/DeleteTeam",
        POLICY_ADMIN,
    )),
    reads_log("/countersign.v1.LogService/ListEntries"),
    reads_log("/countersign.v1.LogService/WatchLog"),
    reads("/countersign.v1.LogService/GetHead", AUDITOR_OR_OPERATOR),
    whole_store(changes("/countersign.v1.LogService/AcceptClock", OPERATOR)),
    reads("/countersign.v1.AccessService/WhoAmI", ANY),
    changes("/countersign.v1.AccessService/CreateToken", ACCESS_ADMIN),
    reads("/countersign.v1.AccessService/GetToken", ACCESS_READER),
    reads("/countersign.v1.AccessService/ListTokens", ACCESS_READER),
    changes("/countersign.v1.AccessService/RevokeToken", ACCESS_ADMIN),
    reads("/grpc.health.v1.Health/Check", Access::Open),
    reads("/grpc.health.v1.Health/Watch", Access::Open),
    reads(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Access::Open,
    ),
    reads(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Access::Open,
    ),
];

// A method of the API without a row does not compile.
const _: () = {
    let mut at = 0;
    while at < countersign_proto::METHODS.len() {
        assert!(
            has_row(countersign_proto::METHODS[at]),
            "a method of the API has no row in METHODS, so nobody knows who may call it"
        );
        at += 1;
    }
};

const fn has_row(path: &str) -> bool {
    let mut at = 0;
    while at < METHODS.len() {
        if is_same(METHODS[at].path, path) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The method with exactly this path.
pub(crate) fn find(path: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_domain::access::{Grant, GrantSide};
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::super::insecure_dev;
    use super::*;

    fn served() -> BTreeSet<String> {
        let sets = [
            countersign_proto::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut paths = BTreeSet::new();
        for set in sets {
            for file in FileDescriptorSet::decode(set).unwrap().file {
                for service in &file.service {
                    let service_name = format!("{}.{}", file.package(), service.name());
                    let methods = service.method.iter();
                    paths.extend(methods.map(|it| format!("/{service_name}/{}", it.name())));
                }
            }
        }
        paths
    }

    #[test]
    fn i11_every_method_has_one_row_and_every_row_a_method() {
        let rows: Vec<String> = METHODS
            .iter()
            .map(|method| method.path.to_owned())
            .collect();
        let once: BTreeSet<String> = rows.iter().cloned().collect();
        assert_eq!(once.len(), rows.len(), "a method stands twice");
        assert_eq!(once, served());
    }

    #[test]
    fn i11_only_health_and_reflection_are_open() {
        for method in METHODS
            .iter()
            .filter(|method| method.access == Access::Open)
        {
            assert!(method.path.starts_with("/grpc."), "{}", method.path);
            assert!(!method.mutates);
        }
    }

    #[test]
    fn i11_odd_paths_are_no_methods() {
        let path = "/countersign.v1.ChangeRequestService/Approve";
        assert!(find(path).is_some());
        let odd = [
            path[1..].to_owned(),
            path.to_lowercase(),
            format!("/{path}"),
            format!("{path}/"),
            path.replace("Service/", "Service//"),
            path.replace("Service/", "Service%2f"),
            String::new(),
            "/".to_owned(),
            "*".to_owned(),
        ];
        for path in odd {
            assert!(find(&path).is_none(), "{path:?}");
        }
    }

    const ANYBODY: &str = "*******";

    /// One line per method: which of the callers below pass the table.
    const ROWS: [(&str, &str); 39] = [
        ("CreateChangeRequest", ".*....."),
        ("GetChangeRequest", ANYBODY),
        ("ListChangeRequests", ANYBODY),
        ("GetTask", ANYBODY),
        ("ListTasks", ANYBODY),
        ("Approve", ANYBODY),
        ("Reject", ANYBODY),
        ("RevokeApproval", ANYBODY),
        ("WithdrawTask", ANYBODY),
        ("WatchStatus", ANYBODY),
        ("WatchSignals", "..*...."),
        ("StartTask", "..*...."),
        ("FinishTask", ".**...."),
        ("CreatePolicy", "...*..."),
        ("GetPolicy", ANYBODY),
        ("ListPolicies", ANYBODY),
        ("UpdatePolicy", "...*..."),
        ("DeletePolicy", "...*..."),
        ("PreviewSchedule", ANYBODY),
        ("CreateFreeze", "...*.*."),
        ("GetFreeze", ANYBODY),
        ("ListFreezes", ANYBODY),
        ("UpdateFreeze", "...*.*."),
        ("DeleteFreeze", "...*.*."),
        ("LiftFreeze", "...*.*."),
        ("CreateTeam", "...*..."),
        ("GetTeam", ANYBODY),
        ("ListTeams", ANYBODY),
        ("UpdateTeam", "...*..."),
        ("DeleteTeam", "...*..."),
        ("ListEntries", "....*.."),
        ("WatchLog", "....*.."),
        ("GetHead", "....**."),
        ("AcceptClock", ".....*."),
        ("WhoAmI", ANYBODY),
        ("CreateToken", "......*"),
        ("GetToken", "....*.*"),
        ("ListTokens", "....*.*"),
        ("RevokeToken", "......*"),
    ];

    #[test]
    fn i11_the_table_of_methods_and_roles() {
        let callers = [
            "alice",
            "orchestrator:o",
            "runner:r",
            "admin:a",
            "auditor:a",
            "operator:o",
            "access:a",
        ];
        let ours = METHODS
            .iter()
            .filter(|method| method.path.starts_with("/countersign."));
        assert_eq!(ours.count(), ROWS.len());
        for (name, expected) in ROWS {
            let method = METHODS
                .iter()
                .find(|it| it.path.ends_with(&format!("/{name}")));
            let method = method.unwrap();
            let passes = |caller: &&str| {
                let caller = insecure_dev::principal(caller).unwrap();
                if method.check(&caller).is_ok() {
                    '*'
                } else {
                    '.'
                }
            };
            let found: String = callers.iter().map(passes).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn i11_what_is_the_whole_stores_takes_a_grant_without_limits() {
        let mut caller = insecure_dev::principal("root:alice").unwrap();
        caller.roles = Role::ALL.into();
        let web = GrantSide::Only(["web".to_owned()].into());
        let limited = [
            (web.clone(), GrantSide::Any),
            (GrantSide::Any, web.clone()),
            (web.clone(), web),
        ];
        for method in METHODS {
            caller.grant = Grant::unlimited();
            assert_eq!(method.check(&caller), Ok(()), "{}", method.path);
            for (projects, environments) in limited.clone() {
                caller.grant = Grant {
                    projects,
                    environments,
                };
                let refused = method.check(&caller) != Ok(());
                assert_eq!(refused, method.whole_store, "{}", method.path);
            }
        }
    }

    #[test]
    fn e2_what_changes_or_reads_the_log_is_watched() {
        let reads = [
            "Get", "List", "Watch", "Preview", "WhoAmI", "Check", "Server",
        ];
        for method in METHODS {
            let (_, name) = method.path.rsplit_once('/').unwrap();
            let only_reads = reads.iter().any(|it| name.starts_with(it));
            assert_eq!(method.mutates, !only_reads, "{}", method.path);
            let entries = ["ListEntries", "WatchLog"].contains(&name);
            assert_eq!(method.audited, entries, "{}", method.path);
        }
    }
}

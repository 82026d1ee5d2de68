//! Certificates of authorities that only a test knows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use tempfile::TempDir;

use crate::process::Setup;

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = params(&[], 2045);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a server on this machine.
    pub(crate) fn server(&self) -> Pair {
        self.sign(params(&["localhost", "127.0.0.1"], 2045))
    }

    /// For a client that is known by a URI, until the beginning of a year.
    pub(crate) fn client(&self, uri: &str, until: i32) -> Pair {
        let mut params = params(&[], until);
        let uri = uri.to_owned().try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn params(names: &[&str], until: i32) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

/// The TLS files of a server.
pub(crate) struct Files(TempDir);

impl Files {
    /// With a certificate of this authority, which also vouches for clients.
    pub(crate) fn new(authority: &Authority) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("ca.pem", &authority.pem());
        files.put(&authority.server());
        files
    }

    /// Puts another certificate in place.
    pub(crate) fn put(&self, pair: &Pair) {
        self.write("server.pem", &pair.certificate);
        self.write("server.key", &pair.key);
        let secret = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path("server.key"), secret).unwrap();
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// What a server is told to use them.
    pub(crate) fn setup(&self, authority: &Authority, more: &[&str]) -> Setup {
        let file = |name: &str| self.path(name).display().to_string();
        let named = [
            ("--tls-cert", "server.pem"),
            ("--tls-key", "server.key"),
            ("--client-ca", "ca.pem"),
        ];
        let named = named.map(|(option, name)| [option.to_owned(), file(name)]);
        let more = more.iter().map(ToString::to_string);
        Setup {
            arguments: named.into_iter().flatten().chain(more).collect(),
            authority: Some(authority.pem().into()),
            ..Setup::default()
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

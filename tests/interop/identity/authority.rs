//! Authorities, and the certificates that they sign.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};

/// Signs certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a server on this machine.
    pub(super) fn server(&self) -> Pair {
        self.sign(&params(&["localhost", "127.0.0.1"]))
    }

    /// For a client that is known by these URIs.
    pub(super) fn client(&self, uris: &[&str]) -> Pair {
        self.sign(&client(uris))
    }

    /// The same, which was good until a year ago.
    pub(super) fn ended(&self, uri: &str) -> Pair {
        let mut params = client(&[uri]);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2025, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

fn client(uris: &[&str]) -> CertificateParams {
    let mut params = params(&[]);
    let names = uris.iter().map(|uri| (*uri).to_owned().try_into().unwrap());
    params.subject_alt_names.extend(names.map(SanType::URI));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params
}

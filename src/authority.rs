//! The server's own authority for HTTPS: a root that the owner installs on their devices, and a certificate that it signs for
//! the names and addresses by which the server is called. Pure but for random numbers: the time is an argument.
//!
//! The root is held to names of homes (RFC 5280 4.2.1.10): whoever steals its key from the box can pretend to be a
//! box, and not a bank.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use std::net::IpAddr;

/// What devices of Apple take at most is 825 days; a clock that is behind must not make it invalid at once.
const CERTIFICATE_DAYS: i64 = 800;
/// A root is installed by hand on every device of the house.
const ROOT_DAYS: i64 = 20 * 365;
/// Of a machine that does not know the date: what it makes is valid from here on.
const EPOCH: (i16, i8, i8) = (2026, 1, 1);

/// Suffixes of names that only homes have, and the networks that only they use.
const SUFFIXES: [&str; 7] = ["local", "lan", "home.arpa", "internal", "home", "fritz.box", "localhost"];
const NETWORKS: [(&str, u8); 7] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("127.0.0.0", 8),
    ("fc00::", 7),
    ("fe80::", 10),
];

/// PEM files.
#[derive(Clone)]
pub struct Made {
    /// The root, for devices.
    pub root: String,
    /// Its key, which never leaves the server.
    pub root_key: String,
    /// What the server shows, signed by the root.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Why nothing could be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Not a name that the root may sign.
    #[error(
        "\"{0}\" can't be signed by a home's own authority; expected a name such as box or box.local, or an address of the home's network"
    )]
    Name(String),
    /// No names.
    #[error(
        "there is no name to make a certificate for; add one by which the server is called, such as box.local"
    )]
    NoNames,
    /// The library's words.
    #[error("the certificate can't be made: {0}")]
    Failed(#[from] rcgen::Error),
}

/// Makes a certificate for these names and addresses at that time (seconds since 1970), signed by `kept` (root and its key) or
/// by a new root.
///
/// # Errors
/// A name that is no home's, or what was kept is no key.
pub fn make(names: &[String], kept: Option<(&str, &str)>, now: u64) -> Result<Made, AuthorityError> {
    if names.is_empty() {
        return Err(AuthorityError::NoNames);
    }
    if let Some(wrong) = names.iter().find(|name| !may_sign(name)) {
        return Err(AuthorityError::Name(wrong.clone()));
    }
    let params = root_params(now)?;
    let (root, key) = match kept {
        Some((root, key)) => (root.to_owned(), KeyPair::from_pem(key)?),
        None => {
            let key = KeyPair::generate()?;
            (params.self_signed(&key)?.pem(), key)
        }
    };
    let root_key = key.serialize_pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, names[0].clone());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, CERTIFICATE_DAYS);
    let certificate = params.signed_by(&key, &issuer)?.pem();
    Ok(Made { root, root_key, certificate, key: key.serialize_pem() })
}

fn root_params(now: u64) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    // The same each time: what was signed leads to it by this name and its key.
    params.distinguished_name.push(DnType::CommonName, "Wiidiaserver of this home");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = SUFFIXES.into_iter().map(|suffix| GeneralSubtree::DnsName(suffix.to_owned()));
    let networks = NETWORKS.into_iter().filter_map(|(network, bits)| {
        Some(GeneralSubtree::IpAddress(match network.parse::<IpAddr>().ok()? {
            IpAddr::V4(v4) => CidrSubnet::from_v4_prefix(v4.octets(), bits),
            IpAddr::V6(v6) => CidrSubnet::from_v6_prefix(v6.octets(), bits),
        }))
    });
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: names.chain(networks).collect(),
        excluded_subtrees: Vec::new(),
    });
    set_validity(&mut params, now, ROOT_DAYS);
    Ok(params)
}

/// Whether the root's constraints let it sign that.
fn may_sign(name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return NETWORKS.into_iter().any(|(network, bits)| match (network.parse::<IpAddr>(), address) {
            (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
                (u32::from(network) ^ u32::from(address)).leading_zeros() >= u32::from(bits)
            }
            (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
                (u128::from(network) ^ u128::from(address)).leading_zeros() >= u32::from(bits)
            }
            _ => false,
        });
    }
    let name = name.to_ascii_lowercase();
    let fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let ours =
        |suffix: &str| name == suffix || name.strip_suffix(suffix).is_some_and(|front| front.ends_with('.'));
    name.split('.').all(fits) && SUFFIXES.into_iter().any(ours)
}

/// From the day before a time on, so many days.
fn set_validity(params: &mut CertificateParams, now: u64, days: i64) {
    let ((y, m, d), (year, month, end)) = (day(now, -1), day(now, days));
    params.not_before = rcgen::date_time_ymd(y, m, d);
    params.not_after = rcgen::date_time_ymd(year, month, end);
}

/// So many days after a time; a clock that stands before the server was made counts as that day.
fn day(now: u64, days: i64) -> (i32, u8, u8) {
    let (year, month, day) = EPOCH;
    let earliest = jiff::civil::date(year, month, day);
    let date = i64::try_from(now)
        .ok()
        .and_then(|now| jiff::Timestamp::from_second(now).ok())
        .map_or(earliest, |time| time.to_zoned(jiff::tz::TimeZone::UTC).date().max(earliest));
    let date = date.saturating_add(jiff::Span::new().days(days));
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_homes_are_signed() {
        for (name, good) in [
            ("box.local", true),
            ("Attic.Fritz.Box", true),
            ("192.168.1.20", true),
            ("fd00::1", true),
            ("localhost", true),
            ("box", false),
            ("bank.example", false),
            ("8.8.8.8", false),
            ("evillocal", false),
            ("*.local", false),
            (".local", false),
            ("", false),
        ] {
            assert_eq!(may_sign(name), good, "{name}");
            assert_eq!(make(&[name.to_owned()], None, 1_800_000_000).is_ok(), good, "{name}");
        }
        assert!(matches!(make(&[], None, 0), Err(AuthorityError::NoNames)));
    }

    #[test]
    fn a_root_stays_when_another_certificate_is_made() {
        let names = ["box.local".to_owned()];
        let first = make(&names, None, 1_800_000_000).unwrap();
        let second = make(&names, Some((&first.root, &first.root_key)), 1_900_000_000).unwrap();
        assert_eq!(second.root, first.root);
        assert_ne!(second.certificate, first.certificate);
        assert!(make(&names, Some((&first.root, "no key")), 0).is_err());
    }

    #[test]
    fn a_clock_that_knows_nothing_makes_no_certificate_of_1970() {
        assert_eq!(day(0, 0), (2026, 1, 1));
        assert_eq!(day(1_800_000_000, 0), (2027, 1, 15));
        assert_eq!(day(1_800_000_000, -1), (2027, 1, 14));
        assert_eq!(day(u64::MAX, 0), (2026, 1, 1));
    }
}

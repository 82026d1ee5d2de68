//! How long a token is to live, as people write it.

use anyhow::Context as _;
use prost_types::Timestamp;

use super::arguments::Life;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The seconds of a number of days, hours or minutes.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let units = [('d', DAY), ('h', HOUR), ('m', MINUTE)];
    let found = units
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .filter(|(count, _)| count.bytes().all(|it| it.is_ascii_digit()))
        .and_then(|(count, seconds)| count.parse::<i64>().ok()?.checked_mul(seconds));
    found.ok_or_else(|| "allowed: days, hours or minutes, for example 90d, 12h or 30m".to_owned())
}

impl Life {
    /// From when on the token is to be worth nothing.
    pub(super) fn end(&self) -> anyhow::Result<Timestamp> {
        let (seconds, nanos) = match (self.expires_at, self.expires_in) {
            (Some(at), _) => (at.as_second(), at.subsec_nanosecond()),
            (None, Some(seconds)) => {
                let end = now().checked_add(seconds).filter(|end| is_an_instant(*end));
                let end = end.context("--expires-in: this is after the end of time")?;
                (end, 0)
            }
            (None, None) => anyhow::bail!("name --expires-in or --expires-at"),
        };
        Ok(Timestamp { seconds, nanos })
    }
}

fn is_an_instant(seconds: i64) -> bool {
    jiff::Timestamp::from_second(seconds).is_ok()
}

/// The present, in whole seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a caller's own clock: whoever keeps the token judges by theirs"
)]
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_days_hours_or_minutes() {
        assert_eq!(seconds("90d"), Ok(7_776_000));
        assert_eq!(seconds("12h"), Ok(43_200));
        assert_eq!(seconds("30m"), Ok(1_800));
        for bad in [
            "",
            "d",
            "90",
            "90s",
            "-1d",
            "+1d",
            "1.5d",
            "1d12h",
            "1 d",
            "9999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(seconds(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_life_ends_at_an_instant_or_after_a_span() {
        let life = |expires_in, expires_at: Option<&str>| Life {
            expires_in,
            expires_at: expires_at.map(|it| it.parse().unwrap()),
        };
        let end = life(None, Some("2027-03-01T00:00:00.5Z")).end().unwrap();
        assert_eq!((end.seconds, end.nanos), (1_803_859_200, 500_000_000));
        let (before, end) = (now(), life(Some(DAY), None).end().unwrap().seconds);
        assert!((before + DAY..=now() + DAY).contains(&end));
        for bad in [life(Some(i64::MAX), None), life(None, None)] {
            assert!(bad.end().is_err(), "{bad:?}");
        }
    }
}

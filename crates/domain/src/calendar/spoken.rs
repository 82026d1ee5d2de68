//! Recurrences in words, for messages.

use std::fmt;

use super::{Length, Recurrence};

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (starts, zone) = (self.starts.as_str(), self.zone.name());
        write!(f, "`{starts}` in {zone} ")?;
        match self.length {
            Length::Elapsed(elapsed) => {
                let span = jiff::SignedDuration::from_micros(elapsed.micros());
                write!(f, "for {span:#}")
            }
            Length::Until(end) => write!(f, "until {end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cron, Elapsed, LocalTime, Zone};
    use super::*;

    #[test]
    fn w3_recurrences_are_spoken_of_as_they_were_written() {
        let recurrence = |length| Recurrence {
            starts: Cron::parse("0 22 * * 5").unwrap(),
            zone: Zone::parse("Europe/Berlin").unwrap(),
            length,
        };
        let elapsed = Elapsed::from_micros(5_400_000_000).unwrap();
        assert_eq!(
            recurrence(Length::Elapsed(elapsed)).to_string(),
            "`0 22 * * 5` in Europe/Berlin for 1h 30m"
        );
        assert_eq!(
            recurrence(Length::Until(LocalTime::parse("24:00").unwrap())).to_string(),
            "`0 22 * * 5` in Europe/Berlin until 24:00"
        );
    }
}

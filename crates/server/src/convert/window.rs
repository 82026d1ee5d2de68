//! The task window (W1).

use countersign_domain::task::Window;
use countersign_domain::{Instant, Refusal};
use countersign_proto::v1;
use prost_types::{Duration, Timestamp};

/// A window as the domain has it: a start and an end, of which each may be missing.
pub(crate) fn window(field: &str, message: Option<&v1::TaskWindow>) -> Result<Window, Refusal> {
    let Some(message) = message else {
        return Ok(Window::default());
    };
    let start = optional_instant(&format!("{field}.start"), message.start.as_ref())?;
    let end = optional_instant(&format!("{field}.end"), message.end.as_ref())?;
    let end = match (&message.duration, end, start) {
        (None, end, _) => end,
        (Some(_), Some(_), _) => {
            return Err(refused(
                field,
                "duration",
                "an end as well",
                "an end or a duration",
            ));
        }
        (Some(_), None, None) => {
            return Err(refused(field, "duration", "no start", "a start with it"));
        }
        (Some(duration), None, Some(start)) => Some(after(field, start, duration)?),
    };
    let window = Window { start, end };
    if window.is_inverted() {
        let found = format!("{} – {}", show(start), show(end));
        return Err(refused(field, "end", &found, "an end after the start"));
    }
    Ok(window)
}

/// An instant, if one is given.
pub(crate) fn optional_instant(
    field: &str,
    at: Option<&Timestamp>,
) -> Result<Option<Instant>, Refusal> {
    let Some(at) = at else { return Ok(None) };
    let instant = Instant::from_seconds_and_nanos(at.seconds, at.nanos);
    instant.map(Some).ok_or_else(|| {
        let found = format!("{} s and {} ns", at.seconds, at.nanos);
        Refusal::field(field, found, "an instant from 1970 to 9999", "W1")
    })
}

fn after(field: &str, start: Instant, length: &Duration) -> Result<Instant, Refusal> {
    micros(length)
        .filter(|&micros| micros >= 1)
        .and_then(|micros| start.plus_micros(micros))
        .ok_or_else(|| {
            let found = format!("{} s and {} ns", length.seconds, length.nanos);
            let allowed = "at least 1 microsecond, ending before the year 10000";
            refused(field, "duration", &found, allowed)
        })
}

/// A length in whole microseconds, if it is one; what is finer is cut off.
pub(crate) fn micros(length: &Duration) -> Option<i64> {
    let whole = (0..1_000_000_000).contains(&length.nanos) && length.seconds >= 0;
    let micros = length.seconds.checked_mul(1_000_000).filter(|_| whole)?;
    micros.checked_add(i64::from(length.nanos) / 1_000)
}

/// A length in microseconds as answers carry it.
pub(crate) fn duration(micros: i64) -> Duration {
    let nanos = micros.rem_euclid(1_000_000) * 1_000;
    Duration {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

fn refused(field: &str, part: &str, found: &str, allowed: &str) -> Refusal {
    Refusal::field(format!("{field}.{part}"), found, allowed, "W1")
}

fn show(at: Option<Instant>) -> String {
    at.map_or_else(String::new, |at| at.to_string())
}

/// An instant as answers carry it.
pub(crate) fn timestamp(at: Instant) -> Timestamp {
    let micros = at.micros();
    let nanos = micros.rem_euclid(1_000_000) * 1_000;
    Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// A window as answers carry it: with its end, also where a duration was given.
pub(crate) fn show_window(window: Window) -> Option<v1::TaskWindow> {
    let any_time = window == Window::default();
    (!any_time).then(|| v1::TaskWindow {
        start: window.start.map(timestamp),
        end: window.end.map(timestamp),
        duration: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::field_of;
    use super::*;

    fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos })
    }

    fn read(
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        length: Option<(i64, i32)>,
    ) -> Result<Window, Refusal> {
        let duration = length.map(|(seconds, nanos)| Duration { seconds, nanos });
        window(
            "task.window",
            Some(&v1::TaskWindow {
                start,
                end,
                duration,
            }),
        )
    }

    fn second(second: i64) -> Option<Instant> {
        Instant::from_micros(second * 1_000_000)
    }

    #[test]
    fn w1_each_form_of_a_window_is_read() {
        let rows = [
            (read(None, None, None), None, None),
            (read(at(10, 0), None, None), second(10), None),
            (read(None, at(20, 0), None), None, second(20)),
            (read(at(10, 0), at(20, 0), None), second(10), second(20)),
            (read(at(10, 0), None, Some((10, 0))), second(10), second(20)),
        ];
        for (found, start, end) in rows {
            assert_eq!(found, Ok(Window { start, end }));
        }
        assert_eq!(window("task.window", None), Ok(Window::default()));
        let short = read(at(10, 0), None, Some((0, 1_000))).unwrap();
        assert_eq!(short.end, second(10).and_then(|start| start.plus_micros(1)));
    }

    #[test]
    fn w1_bad_windows_are_refused_by_field() {
        let rows = [
            (read(at(20, 0), at(20, 0), None), "end"),
            (read(at(20, 0), at(10, 0), None), "end"),
            (read(at(20, 0), at(20, 999), None), "end"),
            (read(at(10, 0), at(20, 0), Some((10, 0))), "duration"),
            (read(None, None, Some((10, 0))), "duration"),
            (read(None, at(20, 0), Some((10, 0))), "duration"),
            (read(at(10, 0), None, Some((0, 0))), "duration"),
            (read(at(10, 0), None, Some((0, 999))), "duration"),
            (read(at(10, 0), None, Some((-1, 0))), "duration"),
            (read(at(10, 0), None, Some((1, -5))), "duration"),
            (read(at(10, 0), None, Some((i64::MAX, 0))), "duration"),
            (
                read(at(10, 0), None, Some((300_000_000_000, 0))),
                "duration",
            ),
            (read(at(-1, 0), None, None), "start"),
            (read(at(0, -1), None, None), "start"),
            (read(at(0, 1_000_000_000), None, None), "start"),
            (read(None, at(253_402_300_800, 0), None), "end"),
            (read(None, at(i64::MAX, 0), None), "end"),
        ];
        for (row, (found, part)) in rows.into_iter().enumerate() {
            assert_eq!(field_of(found), format!("task.window.{part}"), "row {row}");
        }
    }

    #[test]
    fn instants_come_back_as_they_went() {
        let instant = Instant::from_seconds_and_nanos(1_795_392_000, 123_456_000).unwrap();
        assert_eq!(timestamp(instant), at(1_795_392_000, 123_456_000).unwrap());
        assert_eq!(show_window(Window::default()), None);
        let shown = show_window(Window {
            start: Some(instant),
            end: None,
        })
        .unwrap();
        assert_eq!(shown.start, Some(timestamp(instant)));
    }
}

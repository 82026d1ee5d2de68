//! Periods, recurrences and change windows (W3, W5).

use countersign_domain::calendar::{Cron, Elapsed, Length, LocalTime, Period, Recurrence, Zone};
use countersign_domain::policy::{ChangeWindow, OnClose, WINDOWS_LIMIT};
use countersign_domain::text::Problem;
use countersign_domain::{Instant, Refusal};
use countersign_proto::v1;
use prost_types::Timestamp;

use super::fields;
use super::window::{duration, micros, optional_instant, timestamp};

/// The windows of a policy.
pub(crate) fn windows(
    field: &str,
    messages: &[v1::ChangeWindow],
) -> Result<Vec<ChangeWindow>, Refusal> {
    fields::at_most(field, messages.len(), WINDOWS_LIMIT)?;
    let window = |(place, message)| window(&format!("{field}[{place}]"), message);
    messages.iter().enumerate().map(window).collect()
}

fn window(field: &str, message: &v1::ChangeWindow) -> Result<ChangeWindow, Refusal> {
    use v1::change_window::Window;
    match &message.window {
        Some(Window::Once(once)) => period(&format!("{field}.once"), once).map(ChangeWindow::Once),
        Some(Window::Recurring(recurring)) => {
            recurrence(&format!("{field}.recurring"), recurring, "W3").map(ChangeWindow::Recurring)
        }
        None => {
            let allowed = "`once` or `recurring`";
            Err(Refusal::field(field, "nothing", allowed, "W3"))
        }
    }
}

fn period(field: &str, message: &v1::Period) -> Result<Period, Refusal> {
    let start = instant(&format!("{field}.start"), message.start.as_ref())?;
    let end = instant(&format!("{field}.end"), message.end.as_ref())?;
    Period::new(start, end).ok_or_else(|| {
        let found = format!("{start} to {end}");
        let allowed = "an end after the start";
        Refusal::field(format!("{field}.end"), found, allowed, "W3")
    })
}

fn instant(field: &str, message: Option<&Timestamp>) -> Result<Instant, Refusal> {
    fields::required(field, optional_instant(field, message)?)
}

/// A recurrence, of a window or of a freeze: `rule` is the one that it is refused by.
pub(crate) fn recurrence(
    field: &str,
    message: &v1::Recurrence,
    rule: &'static str,
) -> Result<Recurrence, Refusal> {
    let refused = |part: &str, problem: Problem| {
        Refusal::field(
            format!("{field}.{part}"),
            problem.found,
            problem.allowed,
            rule,
        )
    };
    Ok(Recurrence {
        starts: Cron::parse(&message.starts).map_err(|problem| refused("starts", problem))?,
        zone: Zone::parse(&message.time_zone).map_err(|problem| refused("time_zone", problem))?,
        length: length(field, message.length.as_ref(), rule)?,
    })
}

fn length(
    field: &str,
    message: Option<&v1::recurrence::Length>,
    rule: &'static str,
) -> Result<Length, Refusal> {
    use v1::recurrence::Length as Message;
    match message {
        Some(Message::Duration(found)) => {
            let elapsed = micros(found).and_then(Elapsed::from_micros);
            elapsed.map(Length::Elapsed).ok_or_else(|| {
                let found = format!("{} s and {} ns", found.seconds, found.nanos);
                let allowed = "1 minute to 366 days";
                Refusal::field(format!("{field}.duration"), found, allowed, rule)
            })
        }
        Some(Message::LocalEnd(text)) => {
            let end = LocalTime::parse(text);
            end.map(Length::Until).map_err(|problem| {
                let field = format!("{field}.local_end");
                Refusal::field(field, problem.found, problem.allowed, rule)
            })
        }
        None => {
            let allowed = "`duration` or `local_end`";
            Err(Refusal::field(
                format!("{field}.length"),
                "nothing",
                allowed,
                rule,
            ))
        }
    }
}

/// What becomes of a task when its period closes; left out, it depends on the windows.
pub(crate) fn on_close(value: i32) -> Result<Option<OnClose>, Refusal> {
    match v1::OnClose::try_from(value) {
        Ok(v1::OnClose::Unspecified) => Ok(None),
        Ok(v1::OnClose::Hold) => Ok(Some(OnClose::Hold)),
        Ok(v1::OnClose::Terminate) => Ok(Some(OnClose::Terminate)),
        Err(_) => {
            let allowed = "ON_CLOSE_HOLD or ON_CLOSE_TERMINATE, or nothing";
            Err(fields::bad_enum("policy.on_close", value, allowed))
        }
    }
}

/// A period as answers carry it.
pub(crate) fn show_period(period: Period) -> v1::Period {
    v1::Period {
        start: Some(timestamp(period.start)),
        end: Some(timestamp(period.end)),
    }
}

/// A window as answers carry it.
pub(crate) fn show_window(window: &ChangeWindow) -> v1::ChangeWindow {
    use v1::change_window::Window;
    let window = match window {
        ChangeWindow::Once(period) => Window::Once(show_period(*period)),
        ChangeWindow::Recurring(recurrence) => Window::Recurring(show_recurrence(recurrence)),
    };
    v1::ChangeWindow {
        window: Some(window),
    }
}

/// A recurrence as answers carry it.
pub(crate) fn show_recurrence(recurrence: &Recurrence) -> v1::Recurrence {
    use v1::recurrence::Length as Message;
    let length = match recurrence.length {
        Length::Elapsed(elapsed) => Message::Duration(duration(elapsed.micros())),
        Length::Until(end) => Message::LocalEnd(end.to_string()),
    };
    v1::Recurrence {
        starts: recurrence.starts.as_str().to_owned(),
        time_zone: recurrence.zone.name().to_owned(),
        length: Some(length),
    }
}

/// What becomes of a task when its period closes, as answers carry it.
pub(crate) fn show_on_close(on_close: Option<OnClose>) -> v1::OnClose {
    match on_close {
        None => v1::OnClose::Unspecified,
        Some(OnClose::Hold) => v1::OnClose::Hold,
        Some(OnClose::Terminate) => v1::OnClose::Terminate,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use prost_types::Duration;

    use super::super::fields::tests::field_of;
    use super::*;

    /// Fridays at 22:00 in Berlin, for six hours.
    pub(crate) fn weekly() -> v1::Recurrence {
        v1::Recurrence {
            starts: "0 22 * * 5".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            length: Some(v1::recurrence::Length::Duration(Duration {
                seconds: 21_600,
                nanos: 0,
            })),
        }
    }

    fn recurring(recurrence: v1::Recurrence) -> v1::ChangeWindow {
        v1::ChangeWindow {
            window: Some(v1::change_window::Window::Recurring(recurrence)),
        }
    }

    #[test]
    fn w3_windows_come_back_as_they_were_said() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let once = v1::Period {
            start: at(1_000),
            end: at(2_000),
        };
        let until = v1::Recurrence {
            length: Some(v1::recurrence::Length::LocalEnd("24:00".to_owned())),
            ..weekly()
        };
        let said = vec![
            v1::ChangeWindow {
                window: Some(v1::change_window::Window::Once(once)),
            },
            recurring(weekly()),
            recurring(until),
        ];
        let read = windows("policy.windows", &said).unwrap();
        assert_eq!(read.iter().map(show_window).collect::<Vec<_>>(), said);
    }

    #[test]
    fn w3_w5_what_is_bad_about_a_window_is_named() {
        let long = |seconds| {
            Some(v1::recurrence::Length::Duration(Duration {
                seconds,
                nanos: 0,
            }))
        };
        let local = |text: &str| Some(v1::recurrence::Length::LocalEnd(text.to_owned()));
        let spoilt = |spoil: fn(&mut v1::Recurrence)| {
            let mut recurrence = weekly();
            spoil(&mut recurrence);
            recurrence
        };
        let rows = [
            ("starts", spoilt(|it| it.starts = "0 22 * *".to_owned())),
            ("starts", spoilt(|it| it.starts = "@daily".to_owned())),
            ("time_zone", spoilt(|it| it.time_zone = String::new())),
            ("time_zone", spoilt(|it| it.time_zone = "+02:00".to_owned())),
            (
                "time_zone",
                spoilt(|it| it.time_zone = "europe/berlin".to_owned()),
            ),
            ("length", spoilt(|it| it.length = None)),
            (
                "duration",
                v1::Recurrence {
                    length: long(59),
                    ..weekly()
                },
            ),
            (
                "duration",
                v1::Recurrence {
                    length: long(-1),
                    ..weekly()
                },
            ),
            (
                "local_end",
                v1::Recurrence {
                    length: local("24:01"),
                    ..weekly()
                },
            ),
            (
                "local_end",
                v1::Recurrence {
                    length: local("7:00"),
                    ..weekly()
                },
            ),
        ];
        for (part, recurrence) in rows {
            let found = field_of(windows("policy.windows", &[recurring(recurrence)]));
            assert_eq!(found, format!("policy.windows[0].recurring.{part}"));
        }
        let none = v1::ChangeWindow { window: None };
        assert_eq!(
            field_of(windows("policy.windows", &[none])),
            "policy.windows[0]"
        );
        let many = vec![recurring(weekly()); WINDOWS_LIMIT + 1];
        assert_eq!(field_of(windows("policy.windows", &many)), "policy.windows");
        assert_eq!(field_of(on_close(9)), "policy.on_close");
    }
}

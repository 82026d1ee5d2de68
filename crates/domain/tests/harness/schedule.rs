//! Windows and freezes as the words of a step.
//!
//! `windows=600..900;0_22_*_*_5@Europe/Berlin@06:00` is a window from second 600 to second 900, and
//! one that starts on Fridays at 22:00 in Berlin and ends at 06:00. A length with a unit, as `3m`,
//! is elapsed.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Instant;
use countersign_domain::calendar::{Cron, Elapsed, Length, LocalTime, Period, Recurrence, Zone};
use countersign_domain::freeze::{FreezeDraft, FreezeField};
use countersign_domain::policy::{ChangeWindow, OnClose};

use super::people::freeze_id;
use super::script::{scope, time};

/// Windows with `;` between them.
pub(crate) fn windows(text: &str) -> Vec<ChangeWindow> {
    let texts = text.split(';').filter(|text| !text.is_empty());
    texts.map(window).collect()
}

fn window(text: &str) -> ChangeWindow {
    if text.contains('@') {
        return ChangeWindow::Recurring(recurrence(text));
    }
    let (start, end) = text.split_once("..").unwrap();
    ChangeWindow::Once(Period {
        start: time(start),
        end: time(end),
    })
}

/// `cron@zone@length`, with `_` between the fields of the cron expression.
pub(crate) fn recurrence(text: &str) -> Recurrence {
    let [starts, zone, length] = text.split('@').collect::<Vec<_>>()[..] else {
        panic!("not a recurrence: {text}");
    };
    Recurrence {
        starts: Cron::parse(&starts.replace('_', " ")).unwrap(),
        zone: Zone::parse(zone).unwrap(),
        length: if length.contains(':') {
            Length::Until(LocalTime::parse(length).unwrap())
        } else {
            Length::Elapsed(elapsed(length))
        },
    }
}

fn elapsed(text: &str) -> Elapsed {
    let (count, unit) = text.split_at(text.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        other => panic!("no such unit: {other}"),
    };
    let count: i64 = count.parse().unwrap();
    Elapsed::from_micros(count * seconds * 1_000_000).unwrap()
}

/// What happens when a period closes; nothing where nothing is said.
pub(crate) fn on_close(text: &str) -> Option<OnClose> {
    match text {
        "" => None,
        "hold" => Some(OnClose::Hold),
        "terminate" => Some(OnClose::Terminate),
        other => panic!("no such end of a period: {other}"),
    }
}

/// What somebody says about a freeze: by default it holds `web` in `prod`, from now on.
pub(crate) fn freeze_draft(id: &str, options: &BTreeMap<&str, &str>) -> FreezeDraft {
    let option = |key: &str| options.get(key).copied().filter(|text| !text.is_empty());
    let instant = |key: &str| -> Option<Instant> { option(key).map(time) };
    FreezeDraft {
        id: freeze_id(id),
        reason: option("reason").unwrap_or("peace").to_owned(),
        scopes: vec![scope(options)],
        start: instant("from"),
        end: instant("to"),
        recurrence: option("every").map(recurrence),
    }
}

/// The fields that an update of a freeze names.
pub(crate) fn freeze_fields(options: &BTreeMap<&str, &str>) -> BTreeSet<FreezeField> {
    let field = |key: &&str| match *key {
        "reason" => Some(FreezeField::Reason),
        "projects" | "envs" | "kinds" | "tenants" => Some(FreezeField::Scopes),
        "from" => Some(FreezeField::Start),
        "to" => Some(FreezeField::End),
        "every" => Some(FreezeField::Recurrence),
        _ => None,
    };
    options.keys().filter_map(field).collect()
}

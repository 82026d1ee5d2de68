//! What every test drives: a server with its store and its clock, and callers with credentials.
//!
//! `on_both_stores!` makes two tests of one body. The body gets a [`Gate`]; afterwards the store is
//! verified, so that a test which leaves rows that the log does not explain fails.

mod access;
mod builder;
mod caller;
mod calling;
mod following;
mod freezing;
mod keeping;
mod raw;
mod schedules;
mod server;
mod stage;
mod tokens;

pub(crate) use builder::{PolicySpec, deployment, ids, person, tags, team};
pub(crate) use caller::{Caller, Expect, Refused};
pub(crate) use calling::said_in;
pub(crate) use following::{Followed, LIMIT, moment};
pub(crate) use freezing::FreezeSpec;
pub(crate) use keeping::mask;
pub(crate) use raw::{Headers, Raw, Told};
pub(crate) use schedules::{
    at_any_time, blocked_by, hourly, instant, lasting, once, period, recurring, spoken, turns,
    until,
};
pub(crate) use server::{Gate, Setup, StoreKind, check};
pub(crate) use stage::window;
pub(crate) use tokens::{TokenSpec, secret};

/// Makes one test for each store of one body.
macro_rules! on_both_stores {
    (@one $(#[$attribute:meta])* $name:ident, $setup:expr, $gate:ident, $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "a short test may need nothing of its file")]
            use super::*;

            async fn body($gate: &mut $crate::gate::Gate) $body

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let kind = $crate::gate::StoreKind::Sqlite;
                let mut gate = $crate::gate::Gate::start(kind, $setup).await;
                body(&mut gate).await;
                $crate::gate::check(gate).await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let kind = $crate::gate::StoreKind::Postgres;
                let mut gate = $crate::gate::Gate::start(kind, $setup).await;
                body(&mut gate).await;
                $crate::gate::check(gate).await;
            }
        }
    };
    (with $setup:expr;
        $($(#[$attribute:meta])* async fn $name:ident($gate:ident) $body:block)*
    ) => {
        $(on_both_stores!(@one $(#[$attribute])* $name, $setup, $gate, $body);)*
    };
    ($($(#[$attribute:meta])* async fn $name:ident($gate:ident) $body:block)*) => {
        on_both_stores! { with $crate::gate::Setup::default();
            $($(#[$attribute])* async fn $name($gate) $body)*
        }
    };
}

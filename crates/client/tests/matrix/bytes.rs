//! The connection is cut, or goes silent, at every byte.

use std::sync::atomic::Ordering;

use crate::cell::run;
use crate::pipe::{Break, Breaking, Direction};
use crate::world::World;

/// How many bytes go each way where nothing breaks.
fn lengths() -> [(Direction, usize); 2] {
    let cell = run(World::new(None), None);
    assert!(cell.is_granted());
    [
        (
            Direction::ToServer,
            cell.counts.to_server.load(Ordering::Relaxed),
        ),
        (
            Direction::ToClient,
            cell.counts.to_client.load(Ordering::Relaxed),
        ),
    ]
}

/// Breaks at each `stride`-th byte; says how many cells that were, and how many were granted.
fn at_each(how: Break, connections: usize, stride: usize) -> (usize, usize) {
    let (mut cells, mut granted) = (0, 0);
    for (direction, length) in lengths() {
        for after in (0..length).step_by(stride) {
            let breaking = Breaking {
                direction,
                after,
                how,
                connections,
            };
            let cell = run(World::new(None), Some(breaking));
            let name = format!("{breaking:?}");
            cell.judge(&name);
            assert!(cell.broken_connections() > 0, "nothing broke: {name}");
            cells += 1;
            granted += usize::from(cell.is_granted());
        }
    }
    (cells, granted)
}

#[test]
fn p8_a_connection_that_is_cut_once_at_any_byte_is_overcome() {
    let (cells, granted) = at_each(Break::Cut, 1, 1);
    println!("{cells} cells: cut once at each byte of both directions");
    assert_eq!(granted, cells);
}

#[test]
fn p8_a_connection_that_goes_silent_once_at_any_byte_is_overcome() {
    let (cells, granted) = at_each(Break::Silence, 1, 1);
    println!("{cells} cells: silent once at each byte of both directions");
    assert_eq!(granted, cells);
}

#[test]
fn p8_connections_that_are_always_cut_open_nothing_that_was_not_granted() {
    let (cells, granted) = at_each(Break::Cut, usize::MAX, 7);
    println!("{cells} cells: always cut, at each seventh byte; {granted} were granted before");
    assert!(granted < cells);
}

#[test]
fn p8_connections_that_always_go_silent_open_nothing_that_was_not_granted() {
    let (cells, granted) = at_each(Break::Silence, usize::MAX, 7);
    println!("{cells} cells: always silent, at each seventh byte; {granted} were granted before");
    assert!(granted < cells);
}

//! The task window: the period in which a task may start (W1).

use serde::{Deserialize, Serialize};

use crate::Instant;

/// A half-open period: the start belongs to it, the end does not. No window is any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Window {
    /// The first instant inside; `None` is from the beginning of time.
    pub start: Option<Instant>,
    /// The first instant no longer inside; `None` is never.
    pub end: Option<Instant>,
}

impl Window {
    /// Whether the window has opened at an instant; it may have closed since.
    pub fn has_opened(self, at: Instant) -> bool {
        self.start.is_none_or(|start| start <= at)
    }

    /// Whether the window has closed at an instant.
    pub fn has_closed(self, at: Instant) -> bool {
        self.end.is_some_and(|end| end <= at)
    }

    /// Whether an instant lies inside.
    pub fn contains(self, at: Instant) -> bool {
        self.has_opened(at) && !self.has_closed(at)
    }

    /// Whether the end lies at or before the start, so that nothing is inside.
    pub fn is_inverted(self) -> bool {
        matches!((self.start, self.end), (Some(start), Some(end)) if end <= start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_micros(second * 1_000_000).unwrap()
    }

    #[test]
    fn w1_the_start_belongs_to_the_window_and_the_end_does_not() {
        let open = Window {
            start: Some(at(10)),
            end: Some(at(20)),
        };
        let rows = [
            (Window::default(), 0, true),
            (open, 9, false),
            (open, 10, true),
            (open, 19, true),
            (open, 20, false),
            (
                Window {
                    start: Some(at(10)),
                    end: None,
                },
                9,
                false,
            ),
            (
                Window {
                    start: Some(at(10)),
                    end: None,
                },
                1_000,
                true,
            ),
            (
                Window {
                    start: None,
                    end: Some(at(10)),
                },
                0,
                true,
            ),
            (
                Window {
                    start: None,
                    end: Some(at(10)),
                },
                10,
                false,
            ),
        ];
        for (window, second, inside) in rows {
            assert_eq!(
                window.contains(at(second)),
                inside,
                "{window:?} at {second}"
            );
        }
    }

    #[test]
    fn w1_an_end_not_after_the_start_is_inverted() {
        assert!(
            Window {
                start: Some(at(10)),
                end: Some(at(10))
            }
            .is_inverted()
        );
        assert!(
            Window {
                start: Some(at(10)),
                end: Some(at(9))
            }
            .is_inverted()
        );
        assert!(
            !Window {
                start: Some(at(10)),
                end: Some(at(11))
            }
            .is_inverted()
        );
        assert!(
            !Window {
                start: None,
                end: Some(at(1))
            }
            .is_inverted()
        );
    }
}

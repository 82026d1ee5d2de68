//! Bypasses that were found in other products, each tried here for good.
//!
//! `tests/abuse.md` is the list: what went wrong elsewhere, and which tests try it. Each test has a
//! positive control, in which the honest way works, and the attack, which is refused for exactly
//! one reason and leaves no entry in the log and no change behind.
//!
//! - [`stage`]: who is there, what must stay as it was, a second way in.
//! - [`call`]: any method, called as bytes, so that a test can be a table.
//! - [`identity`], [`email`], [`metadata`]: who somebody is.
//! - [`services`], [`votes`]: who never counts, and who counts once.
//! - [`content`], [`unchanged`], [`windows`], [`control`]: what an approval was given for, and what
//!   it is judged by.
//! - [`revoked`], [`tokens`]: credentials that have ended, or never were one.
//! - [`targets`]: what a policy applies to, and what none applies to.
//! - [`stops`], [`errors`]: a rejection is a rejection, and an error is no start.
//! - [`doors`], [`streams`]: every method and every stream asks who calls.
//! - [`limits`], [`texts`]: too much is refused, not cut; what cannot be seen is refused.
//! - [`history`]: what was decided can be read for ever.

mod call;
mod content;
mod control;
mod doors;
mod email;
mod errors;
mod history;
mod identity;
mod limits;
mod metadata;
mod revoked;
mod services;
mod stage;
mod stops;
mod streams;
mod targets;
mod texts;
mod tokens;
mod unchanged;
mod votes;
mod windows;

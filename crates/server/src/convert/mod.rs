//! Between messages and the domain. Everything that comes in is checked here, once: a value of the
//! domain is always a good one, and a refusal names the field as the caller wrote it.
//!
//! In:
//! - [`fields`]: texts, ids, enums and lists, with their limits.
//! - [`identity`]: people, creators, and what change requests are named by.
//! - [`task_spec`], [`window`], [`policy_draft`], [`terms`], [`schedule`], [`freeze_draft`],
//!   [`team_draft`], [`token`]: what is created and changed.
//! - [`mask`]: which fields an update names.
//! - [`request`]: the mark of a call that may be repeated.
//! - [`page`]: positions in lists.
//!
//! Out:
//! - [`show`]: what every answer needs to know: the prefix, and the time.
//! - [`change_request`], [`task`], [`policy`], [`freeze`], [`log`]: one kind of answer each.

pub(crate) mod change_request;
pub(crate) mod fields;
#[cfg(test)]
mod fixture;
pub(crate) mod freeze;
pub(crate) mod freeze_draft;
pub(crate) mod identity;
pub(crate) mod log;
pub(crate) mod mask;
pub(crate) mod page;
pub(crate) mod policy;
pub(crate) mod policy_draft;
pub(crate) mod request;
pub(crate) mod schedule;
pub(crate) mod show;
pub(crate) mod task;
pub(crate) mod task_spec;
pub(crate) mod team_draft;
pub(crate) mod terms;
pub(crate) mod token;
pub(crate) mod window;

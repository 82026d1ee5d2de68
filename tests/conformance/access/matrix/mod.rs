//! Every method for every caller: what the answer is, as one table says it.
//!
//! The table is written here and not taken from the server, so that a method which is let through
//! by mistake is seen. Calls are made as bytes, each about an object that exists, so that a refusal
//! is never that of an empty request.
//!
//! - `table`: the table.
//! - `callers`: its columns.
//! - `objects`: what calls are about.
//! - `requests`: what calls say, of the services that tasks go through.
//! - `administration`: the same, of the others.
//! - `playing`: makes the calls.
//! - `services`: the tests, one for each service.
//! - `complete`: the table leaves nothing out.
//! - `odd`: paths that are no methods.

mod administration;
mod callers;
mod complete;
mod objects;
mod odd;
mod playing;
mod requests;
mod services;
mod table;

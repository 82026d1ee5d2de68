//! Between the wire and the services: what the transport gets wrong, or leaves to us.
//!
//! - [`layer`]: deadlines, mended statuses, one measurement per call.
//! - [`arriving`]: requests whose bytes are still to come.
//! - [`deadline`]: reads the deadline that a caller names.
//! - [`mend`]: statuses that the transport makes by itself, with the code and reason we document.
//! - [`open_calls`]: how many calls of open methods are under way.
//! - [`panic`]: a panic is a fault of the server, told as one.
//! - [`peer`]: who is at the other end of a connection.
//! - [`rate`]: how many calls a caller may make, and how many wrong credentials an address may try.
//! - [`streams`]: how many streams a caller may have, and how messages are cut into portions.
//! - [`waiting_room`]: where the oldest makes room for the newest.

pub(crate) mod arriving;
pub(crate) mod deadline;
pub(crate) mod layer;
pub(crate) mod mend;
pub(crate) mod open_calls;
pub(crate) mod panic;
pub(crate) mod peer;
pub(crate) mod rate;
pub(crate) mod streams;
pub(crate) mod waiting_room;

//! Every rule by its number, over gRPC, on both stores.

mod decisions;

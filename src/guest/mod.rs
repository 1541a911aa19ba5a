//! The guest contract as values: the request that a guest gets, and the control lines that it sends. Pure.

mod artifact_globs;
pub mod contract;
mod control_decoder;
mod control_line;
mod encode_request;
mod left_out_reason;
mod request;
mod when;

pub use artifact_globs::{PatternError, SearchRoots, extended_regex, search_roots};
pub use control_decoder::ControlDecoder;
pub use control_line::{CommandEnd, ControlLine, UnknownLine};
pub use encode_request::{RequestError, encode_request, is_variable_name};
pub use left_out_reason::LeftOutReason;
pub use request::{Access, CacheMount, Mount, Request, SecretRequest, ServiceRequest, StepRequest};
pub use when::When;

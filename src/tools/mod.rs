//! The programs that pikaci runs, their versions, and findings about them. Pure, and below every room but `text`.

mod finding;
mod isolation;
mod kvm;
mod nix_findings;
mod nix_version;
mod program;
mod remedy;
mod store_access;
mod version;

pub use finding::{Finding, Level};
pub use isolation::Isolation;
pub use kvm::{KVM_BOOTS_NO_GUEST, kvm_unavailable};
pub use nix_findings::{BUILDER_TOPIC, STORE_TOPIC, ignored_builders, nix_unconfined, outdated_nix, store_denied};
pub use nix_version::{Implementation, NixVersion};
pub use program::{NIX, Program};
pub use remedy::{LOWER_MEMORY, MORE_FILES, NAMESPACES, STORE_ELSEWHERE};
pub use store_access::StoreAccess;
pub use version::{Version, parse_version};

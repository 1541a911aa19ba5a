//! The state folder, `.pikaci/` by default: its layout, atomic writes, locks, and what goes from it.

pub mod gc;
mod layout;
mod lock;
mod name;
mod open;
mod record;
mod remove;
mod run_layout;
#[cfg_attr(target_os = "macos", path = "sync_tree_macos.rs")]
mod sync_tree;
mod temporary_folder;
mod write;

pub(crate) use layout::is_temporary;
pub use layout::{StateLayout, recorded_path};
pub use lock::{FileLock, is_locked};
pub use name::encode_name;
pub use open::{OpenError, check, existing, look, open, verify};
pub use record::{is_torn, read_plan, read_record};
pub use remove::remove;
pub use run_layout::{AttemptLayout, JobLayout, LOCK, RunLayout};
pub use sync_tree::sync_tree;
pub use temporary_folder::{TemporaryFolder, folder_outside};
pub use write::{append_line, read_bounded, read_json, sync_file, sync_folder, write_atomic, write_json, write_view};

/// How the names of temporary files and folders begin: whatever bears it after a crash is rubbish.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

//! The state folder, `.pikaci/` by default: layout, atomic writes, locks, records, garbage collection.

mod append_line;
pub mod caches;
mod encode_name;
mod file_lock;
pub mod gc;
mod interrupted_run;
mod kept_result;
mod latest_run;
mod open;
mod open_error;
mod read_json;
mod read_records;
mod remove_tree;
mod replay_run;
mod run_layout;
mod run_store;
mod state_layout;
mod sync;
#[cfg_attr(target_os = "macos", path = "sync_tree_macos.rs")]
mod sync_tree;
mod temporary_folder;
mod temporary_name;
mod write;

pub use append_line::append_line;
pub use encode_name::encode_name;
pub use file_lock::{FileLock, is_locked};
pub use interrupted_run::{INTERRUPTED, InterruptedRun};
pub use kept_result::{keep_result, kept_result};
pub use latest_run::link_latest_run;
pub use open::{check, open, open_existing, open_read_only, verify_ownership};
pub use open_error::OpenError;
pub use read_json::{read_bounded, read_json};
pub use read_records::{is_torn, read_job_record, read_manifest, read_plan, read_run_record};
pub use remove_tree::remove_tree;
pub use replay_run::replay_run;
pub use run_layout::{AttemptLayout, JobLayout, RunLayout};
pub use run_store::{FindRunError, RunStore, RunView};
pub use state_layout::{STATE_FOLDER, StateLayout, recorded_path};
pub use sync::{sync_file, sync_folder};
pub use sync_tree::sync_tree;
pub use temporary_folder::{MEMORY_FOLDER, TemporaryFolder, folder_outside_project};
pub use temporary_name::TEMPORARY_PREFIX;
pub(crate) use temporary_name::is_temporary;
pub use write::{write_atomic, write_json, write_new, write_view};

//! Processes: the only room that starts any. Each process runs in a group that ends with pikaci, except those of
//! [`capture()`].

mod capture;
mod child;
mod close_inherited_on_exec;
mod control_group;
mod describe_exit;
mod group;
mod hidden_variables;
mod ignored_signals;
mod invocation;
#[cfg_attr(target_os = "macos", path = "landlock_macos.rs")]
mod landlock;
mod leave_terminal;
mod log_offsets;
mod log_pipe;
#[cfg_attr(target_os = "macos", path = "orphans_macos.rs")]
mod orphans;
mod own_programs;
mod pump;
mod start;

pub use capture::{Captured, capture};
pub use child::{Child, WaitEnd};
pub use close_inherited_on_exec::close_inherited_on_exec;
pub use control_group::{Limits, delegated_group};
pub use describe_exit::describe_exit;
pub use group::Group;
pub use hidden_variables::hide_variables;
pub use ignored_signals::ignored_signals;
pub use invocation::{Invocation, LandlockRules};
pub use landlock::has_landlock;
pub use log_offsets::LogOffsets;
pub use log_pipe::LogPipe;
pub use orphans::{adopt_orphans, kill_orphans};
pub use own_programs::{own_path, own_program};
pub use pump::{CopyThread, LogRules, LogStats, append_pump, join_copy, pump};

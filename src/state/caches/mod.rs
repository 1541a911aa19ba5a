//! Caches of jobs: folders and disks whose content outlives the jobs that use them.
//!
//! A cache has a folder for each scope (guest, base, system), and in it a folder for each generation, which never
//! changes: either a copy of the content, or the disks that guests wrote. A disk of an earlier generation is in the
//! folder as a hard link, so that a generation is whole without another one. A generation is made under a temporary name
//! and gets its own by a rename; jobs that use it hold a share of its folder.

mod cache_folder;
mod choose_generation;
mod draft_generation;
mod evict;
mod generation;

pub use cache_folder::{CacheFolder, OpenedCache};
pub use draft_generation::DraftGeneration;
pub use evict::{CacheLimits, evict_generations, excess_generations, remove_generation, replaced_generations};
pub use generation::{Generation, StoredGeneration, cache_folders, stored_generations};

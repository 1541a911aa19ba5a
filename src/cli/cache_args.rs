//! The options that limit caches.

use clap::Args;

use crate::cli::budget_args::parse_size;
use crate::state::caches::CacheLimits;

/// The limits on the caches of a state folder.
#[derive(Clone, Copy, Debug, Args)]
pub struct CacheArgs {
    /// Limit all caches of the state folder to this size: `512M`, `50G`; the oldest content goes first
    #[arg(long, value_name = "SIZE", default_value = "20G", env = "PIKACI_CACHE_SIZE", value_parser = parse_size)]
    cache_size: u64,
    /// Remove content of caches while the disk has less free space than this
    #[arg(long, value_name = "SIZE", default_value = "2G", env = "PIKACI_CACHE_FREE", value_parser = parse_size)]
    cache_free: u64,
}

impl CacheArgs {
    /// Returns the limits, in bytes.
    pub fn limits(self) -> CacheLimits {
        let bytes = |mib: u64| mib.saturating_mul(1 << 20);
        CacheLimits { total: bytes(self.cache_size), free: bytes(self.cache_free) }
    }
}

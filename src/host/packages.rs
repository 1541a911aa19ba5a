//! Names of packages, and the commands that install them. Pure.

use crate::facts::OsRelease;

/// Returns the command that installs a package; a plain instruction where the package manager is unknown.
pub(super) fn install_hint(os: Option<&OsRelease>, package: &str) -> String {
    match os.map(|os| os.id.as_str()) {
        Some("debian" | "ubuntu") => format!("sudo apt-get install {package}"),
        _ => format!("install {package}"),
    }
}

/// Returns the package that has a kernel for guests.
pub(super) fn kernel_package(os: Option<&OsRelease>, system: &str) -> &'static str {
    match os.map(|os| os.id.as_str()) {
        Some("debian") if system.starts_with("aarch64-") => "linux-image-cloud-arm64",
        Some("debian") => "linux-image-cloud-amd64",
        Some("ubuntu") => "linux-image-virtual",
        _ => "a Linux kernel with its modules",
    }
}

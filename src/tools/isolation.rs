//! The confinement of a guest's programs on this machine.

/// Confinement of QEMU and of the daemons that serve its shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Own namespaces, made by bubblewrap.
    Namespaces,
    /// Landlock, with the error of bubblewrap if bubblewrap doesn't work.
    Landlock(Option<String>),
    /// None, at the operator's request.
    Off,
    /// The requested confinement doesn't work on this machine; holds the error of bubblewrap if bubblewrap was tried.
    Missing(Option<String>),
}

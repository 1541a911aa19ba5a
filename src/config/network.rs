//! The networks that a job can ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The part of the network that a job can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// The outside, but neither this host nor what shares a network with it.
    Outside,
    /// Everything that this host reaches, and the host itself.
    Host,
}

/// A network as it is written: true, false or `"host"`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    Switch(bool),
    Name(Name),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Name {
    Host,
}

impl From<Written> for Network {
    fn from(written: Written) -> Self {
        match written {
            Written::Switch(false) => Self::None,
            Written::Switch(true) => Self::Outside,
            Written::Name(Name::Host) => Self::Host,
        }
    }
}

impl From<Network> for Written {
    fn from(network: Network) -> Self {
        match network {
            Network::None => Self::Switch(false),
            Network::Outside => Self::Switch(true),
            Network::Host => Self::Name(Name::Host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_is_written_as_in_a_job_file() {
        for (network, json) in [(Network::None, "false"), (Network::Outside, "true"), (Network::Host, r#""host""#)] {
            assert_eq!(serde_json::to_string(&network).unwrap(), json);
            assert_eq!(serde_json::from_str::<Network>(json).unwrap(), network);
        }
        for json in [r#""none""#, "1", "null"] {
            assert!(serde_json::from_str::<Network>(json).is_err(), "{json}");
        }
    }
}

//! Networks of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Part of the network that a job can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "NetworkValue", into = "NetworkValue")]
pub enum Network {
    /// No network.
    #[default]
    None,
    /// The outside, without the host and the machines on its networks.
    Outside,
    /// Everything that the host can reach, and the host itself.
    Host,
}

/// A network as a job file spells it: true, false or `"host"`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum NetworkValue {
    Switch(bool),
    Name(NetworkName),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Name")]
enum NetworkName {
    Host,
}

impl From<NetworkValue> for Network {
    fn from(value: NetworkValue) -> Self {
        match value {
            NetworkValue::Switch(false) => Self::None,
            NetworkValue::Switch(true) => Self::Outside,
            NetworkValue::Name(NetworkName::Host) => Self::Host,
        }
    }
}

impl From<Network> for NetworkValue {
    fn from(network: Network) -> Self {
        match network {
            Network::None => Self::Switch(false),
            Network::Outside => Self::Switch(true),
            Network::Host => Self::Name(NetworkName::Host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_has_the_json_of_its_value_in_a_job_file() {
        for (network, json) in [(Network::None, "false"), (Network::Outside, "true"), (Network::Host, r#""host""#)] {
            assert_eq!(serde_json::to_string(&network).unwrap(), json);
            assert_eq!(serde_json::from_str::<Network>(json).unwrap(), network);
        }
        for json in [r#""none""#, "1", "null"] {
            assert!(serde_json::from_str::<Network>(json).is_err(), "{json}");
        }
    }
}

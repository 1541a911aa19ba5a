//! The masking of control lines.

use crate::guest::ControlLine;
use crate::process::LogOffsets;
use crate::secret::Masks;

/// The masks of a guest's control lines: their texts are masked, and places in the output are those of its log.
#[derive(Clone, Debug, Default)]
pub(super) struct ControlMasks {
    masks: Masks,
    offsets: Option<LogOffsets>,
}

impl ControlMasks {
    /// Returns the masks for the control lines of a run with these masks.
    pub(super) fn new(masks: &Masks) -> Self {
        Self { masks: masks.clone(), offsets: (!masks.is_empty()).then(LogOffsets::default) }
    }

    /// Returns the places of the output, which its log has to fill in.
    pub(super) fn offsets(&self) -> Option<&LogOffsets> {
        self.offsets.as_ref()
    }

    /// Masks a line.
    pub(super) fn apply(&self, line: ControlLine) -> ControlLine {
        let Some(offsets) = &self.offsets else { return line };
        match line {
            ControlLine::Phase { name, uptime_centis } => {
                ControlLine::Phase { name: self.masks.apply(&name), uptime_centis }
            }
            ControlLine::LeftOut { reason, path } => ControlLine::LeftOut { reason, path: self.masks.apply(&path) },
            ControlLine::Error(text) => ControlLine::Error(self.masks.apply(&text)),
            ControlLine::StepEnd { step, end, output } => {
                ControlLine::StepEnd { step, end, output: offsets.place_in_log(output) }
            }
            ControlLine::ServiceLog { service, output } => {
                ControlLine::ServiceLog { service, output: offsets.place_in_log(output) }
            }
            line => line,
        }
    }
}

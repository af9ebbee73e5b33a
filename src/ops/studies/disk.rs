//! Whether there is room for more.

use super::super::Ops;

impl Ops {
    /// Whether less space is free where blobs are than the operator wants to be. Unknown space is enough: a full disk
    /// says so itself.
    pub(super) async fn is_disk_low(&self) -> bool {
        let wanted = self.settings().studies.low_water_bytes;
        wanted > 0 && self.blobs().free_space().await.is_some_and(|free| free < wanted)
    }
}

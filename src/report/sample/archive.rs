//! The images that a sample refers to: series and instances with derived UIDs.

use crate::base::Uid;
use crate::report::ImageRef;

use super::protocol::Protocol;
use super::rng::Rng;

/// The images of a sample's study.
pub(super) struct Archive {
    series: Vec<Series>,
}

struct Series {
    uid: Uid,
    sop_class_uid: Option<Uid>,
    /// Prefix of the derived instance UIDs and their number.
    key: String,
    instances: u32,
    frames: Option<u32>,
}

impl Archive {
    /// One to three series of images, and one of loops where the protocol has them.
    pub(super) fn new(rng: &mut Rng, key: &str, protocol: &Protocol) -> Self {
        let knows_class = rng.chance(95);
        let class = |text: &str| Uid::parse(text).ok().filter(|_| knows_class);
        let mut series: Vec<Series> = (1..=rng.between(1, 3))
            .map(|number| {
                let key = format!("{key}/{number}");
                let instances = rng.between(2, 240);
                let uid = Uid::derived(&["sample series", &key]);
                Series { uid, sop_class_uid: class(protocol.sop_class), key, instances, frames: None }
            })
            .collect();
        if let Some(sop_class) = protocol.loop_sop_class {
            let key = format!("{key}/loops");
            let uid = Uid::derived(&["sample series", &key]);
            let frames = Some(rng.between(20, 60));
            series.push(Series { uid, sop_class_uid: class(sop_class), key, instances: 3, frames });
        }
        Self { series }
    }

    /// One of the images.
    pub(super) fn image(&self, rng: &mut Rng) -> ImageRef {
        let series = rng.pick(&self.series);
        let number = rng.between(1, series.instances);
        ImageRef {
            series_instance_uid: series.uid.clone(),
            sop_instance_uid: Uid::derived(&["sample instance", &series.key, &number.to_string()]),
            sop_class_uid: series.sop_class_uid.clone(),
            frame: series.frames.map(|frames| rng.between(1, frames)),
        }
    }

    /// Up to `count` different images.
    pub(super) fn images(&self, rng: &mut Rng, count: u32) -> Vec<ImageRef> {
        let mut images = Vec::new();
        for _ in 0..count {
            let image = self.image(rng);
            if !images.contains(&image) {
                images.push(image);
            }
        }
        images
    }
}

//! What every archive says of a study, whatever its interface calls it, put into [`StudyFacts`].

use bytes::Bytes;
use image::ImageReader;

use crate::base::{Retry, Uid};
use crate::dicom::source::{FoundStudy, PictureForm, RenderedImage, SourceError};
use crate::dicom::study::{InstanceFacts, SeriesFacts, StudyFacts};

use super::egress::HttpError;

/// Greatest number of instances of a study.
pub(super) const MAX_INSTANCES: usize = 100_000;
/// Greatest number of series of a study.
pub(super) const MAX_SERIES: usize = 10_000;
/// Greatest length of an answer that lists things.
pub(super) const MAX_LIST_BYTES: usize = 64 << 20;
/// Greatest length of a rendered picture.
pub(super) const MAX_PICTURE_BYTES: usize = 32 << 20;
/// Side in pixels beyond which a picture is not decoded by anybody behind us.
pub(super) const MAX_PICTURE_SIDE_PX: u32 = 16_384;

/// Collects the series and instances of one study.
#[derive(Debug, Default)]
pub(super) struct StudyBuilder {
    facts: StudyFacts,
    unusable: usize,
    instances: usize,
}

impl StudyBuilder {
    /// With what is known of patient and study.
    pub(super) fn new(facts: StudyFacts) -> Self {
        Self { facts, unusable: 0, instances: 0 }
    }

    /// Replaces what is known of patient and study.
    pub(super) fn set_facts(&mut self, facts: StudyFacts) {
        let series = std::mem::take(&mut self.facts.series);
        self.facts = StudyFacts { series, ..facts };
    }

    /// Adds a series without instances; false if its UID is unusable, so that it was only counted.
    pub(super) fn add_series(&mut self, uid: Option<&str>, series: SeriesText<'_>) -> bool {
        let Some(uid) = uid.and_then(legal) else {
            self.unusable += 1;
            return false;
        };
        self.facts.series.push(SeriesFacts {
            uid,
            modality: series.modality.unwrap_or_default().to_owned(),
            number: series.number.and_then(integer),
            description: kept(series.description),
            body_part: kept(series.body_part),
            instances: Vec::new(),
        });
        true
    }

    /// Adds an instance to the last series.
    pub(super) fn add_instance(
        &mut self,
        uid: Option<&str>,
        sop_class_uid: Option<&str>,
        number: Option<&str>,
        frames: Option<&str>,
    ) -> Result<(), SourceError> {
        self.instances += 1;
        if self.instances > MAX_INSTANCES {
            return Err(SourceError::TooLarge { what: "instances", limit: MAX_INSTANCES });
        }
        let uids = uid.and_then(legal).zip(sop_class_uid.and_then(legal));
        match (uids, self.facts.series.last_mut()) {
            (Some((uid, sop_class_uid)), Some(series)) => {
                let frames = frames.and_then(integer).and_then(|frames| u32::try_from(frames).ok());
                let number = number.and_then(integer);
                let frames = frames.filter(|frames| *frames > 1);
                series.instances.push(InstanceFacts { uid, sop_class_uid, number, frames });
            }
            _ => self.unusable += 1,
        }
        Ok(())
    }

    /// The study in order: series by number and UID, instances likewise; without numbers last.
    pub(super) fn finish(self) -> FoundStudy {
        let Self { mut facts, unusable, .. } = self;
        let order = |number: Option<i32>| (number.is_none(), number);
        for series in &mut facts.series {
            series.instances.sort_by(|a, b| (order(a.number), &a.uid).cmp(&(order(b.number), &b.uid)));
        }
        facts.series.sort_by(|a, b| (order(a.number), &a.uid).cmp(&(order(b.number), &b.uid)));
        FoundStudy { facts, unusable }
    }
}

/// The texts of a series.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeriesText<'a> {
    pub(super) modality: Option<&'a str>,
    pub(super) number: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) body_part: Option<&'a str>,
}

/// The text if it is not empty.
pub(super) fn kept(text: Option<&str>) -> Option<String> {
    text.map(str::trim_end).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn legal(uid: &str) -> Option<Uid> {
    Uid::parse(uid.trim_end_matches(['\0', ' '])).ok()
}

/// An IS value. PS3.5 §6.2.
fn integer(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}

/// A picture whose first bytes say that it is one, and its longest side.
pub(super) fn picture(body: &Bytes) -> Result<(RenderedImage, u32), SourceError> {
    let unreadable = SourceError::Unreadable { detail: "a rendered image that is neither PNG nor JPEG" };
    let form = PictureForm::of(body).ok_or(unreadable.clone())?;
    let reader = ImageReader::new(std::io::Cursor::new(body)).with_guessed_format();
    let size = reader.ok().and_then(|reader| reader.into_dimensions().ok());
    let (width, height) = size.filter(|(width, height)| *width > 0 && *height > 0).ok_or(unreadable)?;
    let longest = width.max(height);
    if longest > MAX_PICTURE_SIDE_PX {
        return Err(SourceError::TooLarge { what: "pixels on a side", limit: MAX_PICTURE_SIDE_PX as usize });
    }
    Ok((RenderedImage { form, bytes: body.to_vec() }, longest))
}

impl From<HttpError> for SourceError {
    fn from(error: HttpError) -> Self {
        match (&error, error.retry()) {
            (HttpError::TooLarge { limit }, _) => Self::TooLarge { what: "bytes", limit: *limit },
            (HttpError::Unreadable(detail), _) => Self::Unreadable { detail },
            (_, Retry::Never) => Self::Refused { detail: error.to_string() },
            (_, retry) => Self::Unavailable { detail: error.to_string(), retry },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_comes_out_in_order_and_what_is_unusable_is_counted() {
        let mut study = StudyBuilder::new(StudyFacts::default());
        assert!(!study.add_series(Some("1.02"), SeriesText::default()));
        for (uid, number) in [("1.9", Some("2")), ("1.8", None), ("1.7", Some(" 1 "))] {
            assert!(study.add_series(Some(uid), SeriesText { number, ..SeriesText::default() }));
        }
        let class = Some("1.2.840.10008.5.1.4.1.1.2");
        for (uid, class, number) in
            [("1.7.2", class, Some("10")), ("1.7.1", class, Some("9")), ("../x", class, None), ("1.7.3", None, None)]
        {
            study.add_instance(Some(uid), class, number, Some("1")).expect("few");
        }
        let found = study.finish();
        assert_eq!(found.unusable, 3);
        let series: Vec<_> = found.facts.series.iter().map(|series| series.uid.as_str()).collect();
        assert_eq!(series, ["1.7", "1.9", "1.8"]);
        let instances: Vec<_> = found.facts.series[0].instances.iter().map(|instance| instance.uid.as_str()).collect();
        assert_eq!(instances, ["1.7.1", "1.7.2"]);
        assert_eq!(found.facts.series[0].instances[0].frames, None);
    }

    #[test]
    fn a_study_without_end_is_refused() {
        let mut study = StudyBuilder::new(StudyFacts::default());
        let outcome = (0..=MAX_INSTANCES).try_for_each(|_| study.add_instance(None, None, None, None));
        assert_eq!(outcome, Err(SourceError::TooLarge { what: "instances", limit: MAX_INSTANCES }));
    }

    #[test]
    fn a_picture_is_looked_at_before_it_is_believed() {
        let png = crate::dicom::sample_study::png(3).expect("there");
        let (rendered, longest) = picture(&png.into()).expect("a picture");
        assert_eq!((rendered.form, longest), (PictureForm::Png, 512));
        assert!(picture(&Bytes::from_static(b"\x89PNG\r\n\x1a\nnothing")).is_err());
        assert!(picture(&Bytes::from_static(b"<html>")).is_err());
    }
}

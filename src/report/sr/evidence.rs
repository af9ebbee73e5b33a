//! The instances that a document refers to and, where the archive told them, all of the study. PS3.3
//! §C.17.2.3: what the content names must be listed.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::base::Uid;
use crate::dicom::element::{self, DataSet};
use crate::dicom::sr::{ImageReference, ItemValue, SopReference};
use crate::dicom::study::StudyFacts;

use super::super::Losses;
use super::super::model::ImageRef;

/// Gathers the instances of one study.
pub(crate) struct Evidence<'a> {
    facts: &'a StudyFacts,
    /// In the order in which they were first referred to.
    referenced: Vec<Instance>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Instance {
    series: Uid,
    sop_class: Uid,
    uid: Uid,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(facts: &'a StudyFacts) -> Self {
        Self { facts, referenced: Vec::new() }
    }

    /// A content item's value for an image, which is listed from now on. An image whose SOP class
    /// neither the report nor the archive says cannot be referred to: that is a loss of `path`.
    pub(crate) fn image(&mut self, image: &ImageRef, path: &str, losses: &mut Losses) -> Option<ItemValue> {
        let found = self.resolve(image, path, losses)?;
        let sop = SopReference { sop_class_uid: found.sop_class.to_string(), sop_instance_uid: found.uid.to_string() };
        let kind = Kind::of(&sop.sop_class_uid);
        if !self.referenced.contains(&found) {
            self.referenced.push(found);
        }
        Some(match kind {
            Kind::Image => {
                ItemValue::Image(ImageReference { sop, frames: image.frame.into_iter().collect(), rest: Vec::new() })
            }
            Kind::Waveform | Kind::Composite => {
                if image.frame.is_some() {
                    losses.add(format!("{path}.frame"), "the instance is no image and has no frames");
                }
                match kind {
                    Kind::Waveform => ItemValue::Waveform(sop, Vec::new()),
                    _ => ItemValue::Composite(sop),
                }
            }
        })
    }

    fn resolve(&self, image: &ImageRef, path: &str, losses: &mut Losses) -> Option<Instance> {
        let archived = self.facts.instance(&image.sop_instance_uid);
        let earlier = self.referenced.iter().find(|known| known.uid == image.sop_instance_uid);
        let known = archived
            .map(|(series, instance)| (&series.uid, &instance.sop_class_uid))
            .or_else(|| earlier.map(|earlier| (&earlier.series, &earlier.sop_class)));
        let Some((series, sop_class)) = known else {
            let Some(sop_class) = &image.sop_class_uid else {
                losses.add(path, "is left out: neither the report nor the archive says its SOP class");
                return None;
            };
            return Some(Instance {
                series: image.series_instance_uid.clone(),
                sop_class: sop_class.clone(),
                uid: image.sop_instance_uid.clone(),
            });
        };
        if *series != image.series_instance_uid {
            losses.add(format!("{path}.seriesInstanceUID"), ELSEWHERE);
        }
        if image.sop_class_uid.as_ref().is_some_and(|said| said != sop_class) {
            losses.add(format!("{path}.sopClassUID"), ELSEWHERE);
        }
        Some(Instance { series: series.clone(), sop_class: sop_class.clone(), uid: image.sop_instance_uid.clone() })
    }

    /// Items of (0040,A375) for what was referred to and all images of the study that the archive told.
    pub(crate) fn of_study(&self, study: &Uid) -> Vec<DataSet> {
        let mut series: Vec<(Uid, Vec<Instance>)> = Vec::new();
        for facts in self.facts.series.iter().filter(|series| !DOCUMENTS.contains(&series.modality.as_str())) {
            let instances = facts.instances.iter().map(|instance| Instance {
                series: facts.uid.clone(),
                sop_class: instance.sop_class_uid.clone(),
                uid: instance.uid.clone(),
            });
            series.push((facts.uid.clone(), instances.collect()));
        }
        items(study, add(series, &self.referenced))
    }

    /// Items of (0040,A375) for nothing but what was referred to, as key objects have it.
    pub(crate) fn of_references(&self, study: &Uid) -> Vec<DataSet> {
        items(study, add(Vec::new(), &self.referenced))
    }
}

fn add(mut series: Vec<(Uid, Vec<Instance>)>, referenced: &[Instance]) -> Vec<(Uid, Vec<Instance>)> {
    for instance in referenced {
        match series.iter_mut().find(|(uid, _)| *uid == instance.series) {
            Some((_, instances)) if instances.contains(instance) => {}
            Some((_, instances)) => instances.push(instance.clone()),
            None => series.push((instance.series.clone(), vec![instance.clone()])),
        }
    }
    series.retain(|(_, instances)| !instances.is_empty());
    series
}

fn items(study: &Uid, series: Vec<(Uid, Vec<Instance>)>) -> Vec<DataSet> {
    if series.is_empty() {
        return Vec::new();
    }
    let series = series.into_iter().map(|(uid, instances)| {
        let mut item = DataSet::new_empty();
        let instances = instances.into_iter().map(|instance| {
            let class = instance.sop_class.to_string();
            SopReference { sop_class_uid: class, sop_instance_uid: instance.uid.to_string() }.to_item()
        });
        element::put_items(&mut item, tags::REFERENCED_SOP_SEQUENCE, instances.collect());
        element::put_text(&mut item, tags::SERIES_INSTANCE_UID, VR::UI, uid.as_str());
        item
    });
    let mut item = DataSet::new_empty();
    element::put_items(&mut item, tags::REFERENCED_SERIES_SEQUENCE, series.collect());
    element::put_text(&mut item, tags::STUDY_INSTANCE_UID, VR::UI, study.as_str());
    vec![item]
}

/// A hierarchical reference to one instance, as (0040,A360) has it. PS3.3 Table C.17-3.
pub(crate) fn hierarchical(study: &Uid, series: &Uid, sop: &SopReference) -> DataSet {
    let mut in_series = DataSet::new_empty();
    element::put_items(&mut in_series, tags::REFERENCED_SOP_SEQUENCE, vec![sop.to_item()]);
    element::put_text(&mut in_series, tags::SERIES_INSTANCE_UID, VR::UI, series.as_str());
    let mut item = DataSet::new_empty();
    element::put_items(&mut item, tags::REFERENCED_SERIES_SEQUENCE, vec![in_series]);
    element::put_text(&mut item, tags::STUDY_INSTANCE_UID, VR::UI, study.as_str());
    item
}

/// What value type refers to a SOP class. PS3.3 §C.17.3.2.1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Waveform,
    Composite,
}

impl Kind {
    /// A class that is not in the standard counts as an image: the report says that it is one.
    fn of(sop_class: &str) -> Self {
        let Some(rest) = sop_class.strip_prefix("1.2.840.10008.5.1.4.1.1.") else { return Self::Image };
        let listed = |listed: &&str| if listed.ends_with('.') { rest.starts_with(listed) } else { rest == *listed };
        if rest.starts_with("9.") {
            Self::Waveform
        } else if NO_IMAGES.iter().any(listed) {
            Self::Composite
        } else {
            Self::Image
        }
    }
}

/// PS3.4 Table B.5-1: storage classes whose instances are neither images nor waveforms, by what follows
/// the common root; with a full stop at its end, everything below: presentation states, raw data,
/// registrations, surface segmentations, measurements of the eye, RT structure sets, plans and records,
/// SR, encapsulated documents, protocols.
const NO_IMAGES: &[&str] = &[
    "11.", "66", "66.1", "66.2", "66.3", "66.5", "66.6", "67", "68.", "78.", "79.", "80.", "88.", "90.", "104.", "131",
    "200.", "481.3", "481.4", "481.5", "481.6", "481.7", "481.8", "481.9", "481.10", "481.11",
];

/// Modalities of series that are no evidence: a report does not interpret other documents of its kind,
/// and its own earlier versions would make each rendering differ from the one before.
const DOCUMENTS: &[&str] = &["SR", "KO", "PR", "DOC", "PLAN", "AU", "ASMT", "RWV"];

const ELSEWHERE: &str = "differs from what is known of the instance; that is written";

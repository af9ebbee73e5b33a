//! References to images.

use crate::base::{ProblemCode, Uid};
use crate::fhir::Json;
use crate::report::{ImageRef, KeyImage};

use super::path::Path;
use super::reader::{Members, Reader, line, uid};

/// What was said of an image where it was named first.
pub(super) struct SeenImage {
    series: Uid,
    sop_class: Option<Uid>,
    path: String,
}

/// An image in a finding or a measurement.
pub(super) fn image(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<ImageRef> {
    let members = reader.object(json, path, &["seriesInstanceUID", "sopInstanceUID", "sopClassUID", "frame"])?;
    reference(reader, &members)
}

/// A key image.
pub(super) fn key_image(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<KeyImage> {
    let known = ["seriesInstanceUID", "sopInstanceUID", "sopClassUID", "frame", "caption"];
    let members = reader.object(json, path, &known)?;
    let image = reference(reader, &members);
    let caption = members.optional(reader, "caption", line(reader.limits.caption));
    Some(KeyImage { image: image?, caption })
}

fn reference(reader: &mut Reader<'_>, members: &Members<'_, '_>) -> Option<ImageRef> {
    let series_instance_uid = members.required(reader, "seriesInstanceUID", uid);
    let sop_instance_uid = members.required(reader, "sopInstanceUID", uid);
    let sop_class_uid = members.optional(reader, "sopClassUID", uid);
    let frame = members.optional(reader, "frame", frame);
    let image = ImageRef {
        series_instance_uid: series_instance_uid?,
        sop_instance_uid: sop_instance_uid?,
        sop_class_uid,
        frame,
    };
    agree(reader, members.path, &image);
    Some(image)
}

/// An instance is in one series and of one SOP class, however often a report names it.
fn agree(reader: &mut Reader<'_>, path: &Path<'_>, image: &ImageRef) {
    let Some(seen) = reader.images.get_mut(&image.sop_instance_uid) else {
        let seen = SeenImage {
            series: image.series_instance_uid.clone(),
            sop_class: image.sop_class_uid.clone(),
            path: path.to_string(),
        };
        reader.images.insert(image.sop_instance_uid.clone(), seen);
        return;
    };
    let other_series = seen.series != image.series_instance_uid;
    let other_class = matches!((&seen.sop_class, &image.sop_class_uid), (Some(a), Some(b)) if a != b);
    if seen.sop_class.is_none() {
        seen.sop_class.clone_from(&image.sop_class_uid);
    }
    let first = seen.path.clone();
    for (differs, member) in [(other_series, "seriesInstanceUID"), (other_class, "sopClassUID")] {
        if differs {
            let detail = format!("differs from that of the same instance at {first}");
            reader.problem(&path.member(member), ProblemCode::Invariant, detail);
        }
    }
}

/// A frame number, from 1 to what DICOM IS holds (PS3.5 §6.2).
fn frame(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<u32> {
    let Some(text) = json.as_number() else {
        reader.wrong_type(json, path, "a number");
        return None;
    };
    let frame = text.parse().ok().filter(|frame| (1..=i32::MAX.unsigned_abs()).contains(frame));
    if frame.is_none() {
        reader.problem(path, ProblemCode::Value, "must be a whole number from 1 to 2147483647");
    }
    frame
}

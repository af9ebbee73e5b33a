//! Image references out of our own extension.

use crate::base::{ProblemCode, Uid};
use crate::report::ImageRef;

use super::trace::Element;

/// The image and its caption.
pub(super) fn read(extension: Element<'_, '_>) -> Option<(ImageRef, Option<String>)> {
    extension.carry();
    let uid = |part: &str| {
        let text = extension.part_text(part, "valueId")?;
        let uid = Uid::parse(text);
        if uid.is_err() {
            extension.problem(ProblemCode::Value, format!("{part} is not a UID"));
        }
        uid.ok()
    };
    let (Some(series_instance_uid), Some(sop_instance_uid)) = (uid("seriesInstanceUid"), uid("sopInstanceUid")) else {
        extension.problem(ProblemCode::Required, "an image is known by its series and its instance");
        return None;
    };
    let frame = extension.part("frame").and_then(|part| part.child("valuePositiveInt"));
    let image = ImageRef {
        series_instance_uid,
        sop_instance_uid,
        sop_class_uid: uid("sopClassUid"),
        frame: frame.and_then(|frame| frame.json.as_number()?.parse().ok()),
    };
    Some((image, extension.part_text("caption", "valueString").map(str::to_owned)))
}

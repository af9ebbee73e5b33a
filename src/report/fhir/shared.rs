//! What becomes of resources when a report changes: who may write the shared ones, and what happens to
//! Observations that a new version no longer has.

use crate::fhir::{Json, Object};

/// Whether `ours`, which a report brings, takes the place of `existing`, which the store holds under the
/// same id.
///
/// A resource that only reports have written is theirs to write. What anybody else has written (an
/// administrator, an EHR, the archive's index) stays as it is: the report itself repeats what it states.
/// An ImagingStudy from the archive takes the place of one from a report, and not the other way round.
pub fn replaces(existing: &Json, ours: &Json) -> bool {
    matches!(
        (origin(existing), origin(ours)),
        (Some(Origin::Report), Some(_)) | (Some(Origin::Archive), Some(Origin::Archive))
    )
}

/// An Observation that its report no longer has: it says that it should not be relied on.
/// R4 valueset-observation-status.html.
pub fn withdrawn(observation: &Json) -> Json {
    match observation {
        Json::Object(object) => {
            let object: Object = object.clone();
            object.with("status", Json::string("entered-in-error")).into()
        }
        other => other.clone(),
    }
}

enum Origin {
    Report,
    Archive,
}

/// By `meta.source`, whose end does not change when the gateway moves to another name.
fn origin(resource: &Json) -> Option<Origin> {
    let source = resource.text_at(&["meta", "source"])?;
    if is_report_source(source) {
        Some(Origin::Report)
    } else if is_archive_source(source) {
        Some(Origin::Archive)
    } else {
        None
    }
}

/// Whether a `meta.source` says that only reports have written the resource.
pub fn is_report_source(source: &str) -> bool {
    source.ends_with("/api/reports")
}

/// Whether a `meta.source` says that the resource follows the archive.
pub fn is_archive_source(source: &str) -> bool {
    source.ends_with("/dicom-web")
}

/// Whether two versions of a resource say the same, whatever their `meta` does.
pub fn says_the_same(one: &Json, other: &Json) -> bool {
    let bare = |json: &Json| {
        let mut json = json.clone();
        if let Some(object) = json.as_object_mut() {
            object.remove("meta");
        }
        json.to_canonical()
    };
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(source: Option<&str>) -> Json {
        let meta = Object::new().with_text("source", source);
        Object::new().with("status", Json::string("final")).with("meta", meta.into()).into()
    }

    #[test]
    fn what_others_wrote_stays() {
        let report = from(Some("https://a.example/api/reports"));
        let moved = from(Some("https://b.example/api/reports"));
        let archive = from(Some("https://a.example/dicom-web"));
        let other = from(Some("https://ehr.example"));
        assert!(replaces(&report, &moved));
        assert!(replaces(&report, &archive));
        assert!(replaces(&archive, &archive));
        for (existing, ours) in [(&archive, &report), (&other, &report), (&other, &archive), (&from(None), &report)] {
            assert!(!replaces(existing, ours));
        }
    }

    #[test]
    fn a_withdrawn_observation_says_so() {
        assert_eq!(withdrawn(&from(None)).text_at(&["status"]), Some("entered-in-error"));
    }
}

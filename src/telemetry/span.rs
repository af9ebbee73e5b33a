//! Spans of the units of work. Fields that are not known at the beginning are declared empty and
//! recorded later, by the names of [`super::field`]; a field that is not declared here is not kept.

use tracing::Span;
use tracing::field::Empty;

/// A request over HTTP. `route` is the pattern, not the path.
pub fn http_request(request_id: &str, method: &str, route: &str) -> Span {
    tracing::info_span!(
        "http.request",
        request.id = request_id,
        http.method = method,
        http.route = route,
        http.status = Empty,
        tenant = Empty,
        oauth.client_id = Empty,
        fhir.type = Empty,
        fhir.id = Empty,
        report.id = Empty,
        report.version = Empty,
        dicom.study_uid = Empty,
        dicom.sop_instance_uid = Empty,
        duration_ms = Empty,
        size_bytes = Empty,
    )
}

/// An association, from the request to the release or the abort.
pub fn dimse_association(calling_ae_title: &str, called_ae_title: &str) -> Span {
    tracing::info_span!(
        "dimse.association",
        dicom.calling_ae = calling_ae_title,
        dicom.called_ae = called_ae_title,
        dicom.study_uid = Empty,
        dicom.sop_instance_uid = Empty,
        dicom.status = Empty,
        tenant = Empty,
        peer.name = Empty,
        duration_ms = Empty,
        size_bytes = Empty,
    )
}

/// One attempt of a job.
pub fn job_run(id: &str, kind: &str, attempt: u32) -> Span {
    tracing::info_span!(
        "job.run",
        job.id = id,
        job.kind = kind,
        job.attempt = attempt,
        tenant = Empty,
        request.id = Empty,
        report.id = Empty,
        report.version = Empty,
        report.twin = Empty,
        peer.name = Empty,
        dicom.study_uid = Empty,
        dicom.sop_instance_uid = Empty,
        duration_ms = Empty,
        size_bytes = Empty,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::field;

    #[test]
    fn spans_know_no_other_fields_than_those_with_a_name() {
        let subscriber = tracing_subscriber::registry();
        tracing::subscriber::with_default(subscriber, || {
            let mut seen = Vec::new();
            for span in [http_request("r", "GET", "/"), dimse_association("A", "B"), job_run("j", "k", 1)] {
                let fields = span.metadata().expect("is enabled").fields();
                for field in fields {
                    assert!(field::ALL.contains(&field.name()), "{field}");
                    seen.push(field.name());
                }
            }
            for name in field::ALL {
                assert!(seen.contains(name), "{name} is on no span");
            }
        });
    }
}

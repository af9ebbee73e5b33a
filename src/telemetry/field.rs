//! Names of fields on spans and events. A thing has the same name everywhere.

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $text;)+

        /// All names.
        pub const ALL: &[&str] = &[$($text),+];
    };
}

fields! {
    /// Tenant.
    TENANT = "tenant";
    /// Id of the request, from the client or made for it.
    REQUEST_ID = "request.id";
    /// HTTP method.
    HTTP_METHOD = "http.method";
    /// Pattern of the route, `/fhir/r4/{type}/{id}`; never the path, never the query.
    HTTP_ROUTE = "http.route";
    /// HTTP status of the answer.
    HTTP_STATUS = "http.status";
    /// FHIR resource type.
    FHIR_TYPE = "fhir.type";
    /// FHIR logical id; not of a Patient.
    FHIR_ID = "fhir.id";
    /// Id of a report.
    REPORT_ID = "report.id";
    /// Version of a report.
    REPORT_VERSION = "report.version";
    /// Form of a rendition: `fhir`, `dicom-sr`, `pdf`.
    REPORT_TWIN = "report.twin";
    /// Study instance UID (0020,000D).
    DICOM_STUDY_UID = "dicom.study_uid";
    /// SOP instance UID (0008,0018).
    DICOM_SOP_INSTANCE_UID = "dicom.sop_instance_uid";
    /// AE title of the one that calls.
    DICOM_CALLING_AE = "dicom.calling_ae";
    /// AE title of the one that is called.
    DICOM_CALLED_AE = "dicom.called_ae";
    /// DIMSE status of an answer, four hexadecimal digits.
    DICOM_STATUS = "dicom.status";
    /// OAuth client.
    OAUTH_CLIENT_ID = "oauth.client_id";
    /// Id of a job.
    JOB_ID = "job.id";
    /// Kind of a job, `report.deliver`.
    JOB_KIND = "job.kind";
    /// Which attempt of a job this is, from 1.
    JOB_ATTEMPT = "job.attempt";
    /// Name of a peer.
    PEER_NAME = "peer.name";
    /// How long something took, in milliseconds.
    DURATION_MS = "duration_ms";
    /// How large something is, in bytes.
    SIZE_BYTES = "size_bytes";
}

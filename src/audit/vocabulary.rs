//! Codes of FHIR, DICOM and IHE BALP for each activity. One total table: a new operation does not
//! compile until it has a row.

use crate::access::Operation;

use super::{Activity, AgentKind};

/// How an activity is shown in a FHIR AuditEvent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// `AuditEvent.type`.
    pub(super) kind: Code,
    /// The standard `AuditEvent.subtype`; that of the operation itself stands behind it.
    pub(super) subtype: Code,
    /// `AuditEvent.action`: C, R, U, D or E.
    pub(super) action: &'static str,
    /// Which parts the agents play.
    pub(super) pattern: Pattern,
}

/// A code in a code system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
}

/// The patterns of IHE BALP 1.1 that occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Data goes from the server to the client.
    Read,
    /// The client asks, the server answers.
    Query,
    /// Data goes from the client to the server.
    Write,
    /// The client has the server take data away.
    Delete,
    /// Only the server's own life.
    Application,
}

impl Pattern {
    /// The type of the client's agent.
    pub(super) fn client(self) -> Code {
        match self {
            Self::Read => dcm("110152"),
            Self::Query | Self::Write => dcm("110153"),
            Self::Delete | Self::Application => dcm("110150"),
        }
    }

    /// The type of the server's agent.
    pub(super) fn server(self) -> Code {
        match self {
            Self::Read => dcm("110153"),
            Self::Query | Self::Write => dcm("110152"),
            Self::Delete => {
                Code { system: "http://terminology.hl7.org/CodeSystem/provenance-participant-type", code: "custodian" }
            }
            Self::Application => dcm("110150"),
        }
    }

    /// The type of the user's agent.
    pub(super) fn user(self) -> Code {
        let code = match self {
            Self::Write | Self::Delete => "AUT",
            Self::Read | Self::Query | Self::Application => "IRCP",
        };
        Code { system: "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", code }
    }
}

/// How an activity is shown.
pub(super) fn shown(activity: Activity) -> Shown {
    let (kind, subtype, action, pattern) = match activity {
        Activity::TokenRefused => (dcm("110114"), dcm("110122"), "E", Pattern::Query),
        // Security Alert: Node Authentication. PS3.15 §A.5.3.11.
        Activity::AssociationRefused => (SECURITY_ALERT, dcm("110126"), "E", Pattern::Query),
        Activity::ServerStart => (dcm("110100"), dcm("110120"), "E", Pattern::Application),
        Activity::ServerStop => (dcm("110100"), dcm("110121"), "E", Pattern::Application),
        Activity::Use(operation) => of_operation(operation),
    };
    Shown { kind, subtype, action, pattern }
}

fn of_operation(operation: Operation) -> (Code, Code, &'static str, Pattern) {
    use Operation as O;
    match operation {
        O::ReportCreate => (REST, rest("create"), "C", Pattern::Write),
        O::ReportImport => (dcm("110107"), rest("create"), "C", Pattern::Write),
        O::ReportRead | O::FhirRead | O::SearchParameterRead => (REST, rest("read"), "R", Pattern::Read),
        O::ReportHistory => (REST, rest("history-instance"), "R", Pattern::Read),
        O::ReportList => (REST, rest("search-type"), "E", Pattern::Query),
        O::ReportUpdate | O::ReportFinalize | O::ReportAmend | O::ReportCancel | O::ReportEnterInError => {
            (REST, rest("update"), "U", Pattern::Write)
        }
        O::FhirCreate | O::SearchParameterAdd => (REST, rest("create"), "C", Pattern::Write),
        O::FhirUpdate | O::SearchParameterChange => (REST, rest("update"), "U", Pattern::Write),
        O::FhirDelete | O::SearchParameterRemove => (REST, rest("delete"), "D", Pattern::Delete),
        O::FhirHistory => (REST, rest("history-instance"), "R", Pattern::Read),
        O::FhirSearch | O::SearchParameterFind => (REST, rest("search-type"), "E", Pattern::Query),
        O::FhirBundle => (REST, rest("transaction"), "E", Pattern::Query),
        O::FhirHistoryAll => (REST, rest("history-type"), "E", Pattern::Query),
        O::ReportDelete | O::ExportDelete => (REST, rest("delete"), "D", Pattern::Delete),
        O::ExportDownload | O::ReportDeliver | O::DeliveryResend | O::SubscriptionEvents => {
            (dcm("110106"), rest("operation"), "R", Pattern::Read)
        }
        O::ExportStatus | O::LetterheadRead | O::JobShow | O::ValidationRead => {
            (REST, rest("read"), "R", Pattern::Read)
        }
        O::ExportHistory
        | O::ExportStatistics
        | O::DeliveryList
        | O::PeerList
        | O::RuleList
        | O::JobList
        | O::PackageList => (REST, rest("search-type"), "E", Pattern::Query),
        O::ExportStart | O::ExportRetry | O::ExportCleanup | O::PeerTest | O::JobRetry | O::JobCancel => {
            (REST, rest("operation"), "E", Pattern::Query)
        }
        O::StudyStore => (dcm("110104"), rest("create"), "C", Pattern::Write),
        O::StudyFind => (dcm("110112"), rest("search-type"), "E", Pattern::Query),
        O::StudyRead => (dcm("110103"), rest("read"), "R", Pattern::Read),
        O::OrthancRead => (dcm("110103"), rest("read"), "R", Pattern::Read),
        O::OrthancWrite => (dcm("110103"), rest("update"), "U", Pattern::Write),
        O::StudyDelete => (dcm("110105"), rest("delete"), "D", Pattern::Delete),
        O::PeerAdd => (SECURITY_ALERT, dcm("110128"), "C", Pattern::Write),
        O::PackageAdd => (SECURITY_ALERT, dcm("110131"), "C", Pattern::Write),
        O::PackageRemove => (SECURITY_ALERT, dcm("110131"), "D", Pattern::Delete),
        O::PeerRemove => (SECURITY_ALERT, dcm("110128"), "D", Pattern::Delete),
        O::RuleSet | O::LetterheadSet | O::ValidationSet => (SECURITY_ALERT, dcm("110131"), "U", Pattern::Write),
        O::TokenMint | O::TokenRedeem => (SECURITY_ALERT, dcm("110136"), "C", Pattern::Write),
        O::TokenRevoke => (SECURITY_ALERT, dcm("110136"), "U", Pattern::Write),
        O::AuditRead => (AUDIT_LOG_USED, rest("read"), "R", Pattern::Read),
        O::AuditVerify => (AUDIT_LOG_USED, rest("operation"), "E", Pattern::Query),
        O::MetricsRead | O::HealthRead | O::SubscriptionListen => (REST, rest("operation"), "E", Pattern::Query),
        O::MetadataRead => (REST, rest("capabilities"), "R", Pattern::Read),
    }
}

/// The role of a data entity. R4 codesystem-object-role.html.
pub(super) fn entity_role(kind: &super::ObjectKind) -> &'static str {
    use super::ObjectKind as K;
    match kind {
        K::Resource(resource_type) if **resource_type == *"DiagnosticReport" => "3",
        K::Study => "3",
        K::Resource(_) | K::Instance => "4",
        K::Export | K::Delivery | K::Job => "20",
        K::Peer => "16",
        K::Rule => "23",
        K::Letterhead | K::Package => "5",
        K::Token => "11",
        K::AuditLog => "13",
    }
}

/// The word for a kind of agent where it has no name.
pub(super) fn agent_word(kind: AgentKind) -> &'static str {
    match kind {
        AgentKind::User => "user",
        AgentKind::Client => "client",
        AgentKind::ApplicationEntity => "application entity",
        AgentKind::Gateway => "gateway",
        AgentKind::Unknown => "unknown",
    }
}

const fn dcm(code: &'static str) -> Code {
    Code { system: "http://dicom.nema.org/resources/ontology/DCM", code }
}

const fn rest(code: &'static str) -> Code {
    Code { system: "http://hl7.org/fhir/restful-interaction", code }
}

const REST: Code = Code { system: "http://terminology.hl7.org/CodeSystem/audit-event-type", code: "rest" };
const SECURITY_ALERT: Code = dcm("110113");
const AUDIT_LOG_USED: Code = dcm("110101");

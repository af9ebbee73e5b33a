//! Every use case, and the one table that says who may do it.

use super::{Extent, Permission, Role};

/// What an operation needs besides a role, when the token is narrowed by scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing at all: it is open to everyone, without a token.
    Public,
    /// A scope on this resource type.
    Scope(&'static str, Permission),
    /// A scope on the resource type that the request names.
    ScopeOfNamedType(Permission),
    /// A token that is not narrowed: no scope stands for it.
    WholeToken,
    /// Any token: the request has parts, and each is an operation that is decided by itself.
    Parts,
}

/// One row of the table.
struct Row {
    name: &'static str,
    summary: &'static str,
    need: Need,
    grants: [Option<Extent>; COLUMNS],
}

/// The roles, and last the gateway itself.
const COLUMNS: usize = Role::ALL.len() + 1;

macro_rules! grant {
    (-) => {
        None
    };
    (all) => {
        Some(Extent::All)
    };
    (own) => {
        Some(Extent::Own)
    };
}

macro_rules! need {
    (public) => {
        Need::Public
    };
    (whole) => {
        Need::WholeToken
    };
    (parts) => {
        Need::Parts
    };
    (named $permission:ident) => {
        Need::ScopeOfNamedType(Permission::$permission)
    };
    ($resource_type:literal $permission:ident) => {
        Need::Scope($resource_type, Permission::$permission)
    };
}

macro_rules! operations {
    ($($variant:ident $name:literal $summary:literal ($($need:tt)+) [$($grant:tt)+])*) => {
        /// A use case: what an actor asks to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $(#[doc = $summary] $variant,)*
        }

        impl Operation {
            /// All operations, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        name: $name,
                        summary: $summary,
                        need: need!($($need)+),
                        grants: [$(grant!($grant)),+],
                    },)*
                }
            }
        }
    };
}

operations! {
    //                                                     admin rad clin intg audit gateway
    ReportCreate "report.create" "Write a new report" ("DiagnosticReport" Create)
                                                           [-    all -    all  -    -]
    ReportImport "report.import" "Take a report in from a FHIR or SR document" ("DiagnosticReport" Create)
                                                           [-    all -    all  -    all]
    ReportRead "report.read" "Read a report" ("DiagnosticReport" Read)
                                                           [-    all all  all  -    all]
    ReportList "report.list" "Find reports" ("DiagnosticReport" Search)
                                                           [-    all all  all  -    -]
    ReportHistory "report.history" "Read the former versions of a report" ("DiagnosticReport" Read)
                                                           [-    all all  all  -    -]
    ReportUpdate "report.update" "Change an unfinished report" ("DiagnosticReport" Update)
                                                           [-    all -    all  -    -]
    ReportFinalize "report.finalize" "Verify a report" ("DiagnosticReport" Update)
                                                           [-    all -    -    -    -]
    ReportAmend "report.amend" "Amend, correct or append to a verified report" ("DiagnosticReport" Update)
                                                           [-    all -    -    -    -]
    ReportCancel "report.cancel" "Give an unfinished report up" ("DiagnosticReport" Update)
                                                           [-    all -    all  -    -]
    ReportEnterInError "report.enter-in-error" "Withdraw a report" ("DiagnosticReport" Update)
                                                           [-    all -    -    -    -]
    ReportDelete "report.delete" "Take a draft away" ("DiagnosticReport" Delete)
                                                           [-    all -    all  -    -]
    ExportStart "export.start" "Order renditions of a report" ("DiagnosticReport" Read)
                                                           [-    all all  all  -    all]
    ExportStatus "export.status" "See how an export goes" ("DiagnosticReport" Read)
                                                           [all  all own  own  -    all]
    ExportDownload "export.download" "Take the file of an export" ("DiagnosticReport" Read)
                                                           [-    all own  own  -    all]
    ExportRetry "export.retry" "Try a failed export again" ("DiagnosticReport" Read)
                                                           [all  all own  own  -    -]
    ExportDelete "export.delete" "Take an export and its file away" ("DiagnosticReport" Read)
                                                           [all  all own  own  -    all]
    ExportHistory "export.history" "List exports" ("DiagnosticReport" Search)
                                                           [all  all own  own  -    -]
    ExportStatistics "export.statistics" "Count exports" ("DiagnosticReport" Search)
                                                           [all  all -    -    -    -]
    ExportCleanup "export.cleanup" "Take expired exports away" (whole)
                                                           [all  -   -    -    -    all]
    ReportDeliver "report.deliver" "Send a report to peers" ("DiagnosticReport" Read)
                                                           [-    all -    all  -    all]
    DeliveryList "delivery.list" "See what was sent and what peers answered" ("Task" Search)
                                                           [all  all -    all  -    all]
    DeliveryResend "delivery.resend" "Send a delivery again" ("Task" Update)
                                                           [all  all -    all  -    all]
    PeerList "peer.list" "List peers" ("Endpoint" Search)
                                                           [all  all -    all  -    all]
    PeerAdd "peer.add" "Add or change a peer" ("Endpoint" Create)
                                                           [all  -   -    -    -    -]
    PeerTest "peer.test" "Try the connection to a peer" ("Endpoint" Read)
                                                           [all  -   -    all  -    -]
    PeerRemove "peer.remove" "Remove a peer" ("Endpoint" Delete)
                                                           [all  -   -    -    -    -]
    RuleList "rule.list" "List delivery rules" ("Subscription" Search)
                                                           [all  all -    all  -    all]
    RuleSet "rule.set" "Set delivery rules" ("Subscription" Update)
                                                           [all  -   -    -    -    -]
    SubscriptionEvents "subscription.events" "Be told what a subscription is about" ("Subscription" Read)
                                                           [-    all all  all  -    all]
    SubscriptionListen "subscription.listen" "Open a socket, which tells nothing without a binding token" (public)
                                                           [-    -   -    -    -    -]
    FhirRead "fhir.read" "Read a FHIR resource" (named Read)
                                                           [-    all all  all  -    all]
    FhirSearch "fhir.search" "Find FHIR resources" (named Search)
                                                           [-    all all  all  -    -]
    FhirCreate "fhir.create" "Write a new FHIR resource" (named Create)
                                                           [-    all -    all  -    -]
    FhirUpdate "fhir.update" "Change a FHIR resource" (named Update)
                                                           [-    all -    all  -    -]
    FhirDelete "fhir.delete" "Delete a FHIR resource" (named Delete)
                                                           [-    -   -    all  -    -]
    FhirHistory "fhir.history" "Read the versions of a FHIR resource" (named Read)
                                                           [-    all all  all  -    -]
    FhirHistoryAll "fhir.history-all" "Read the versions of many FHIR resources" (named Search)
                                                           [-    all all  all  -    -]
    FhirBundle "fhir.bundle" "Do what the entries of a FHIR Bundle ask for" (parts)
                                                           [-    all all  all  -    -]
    SearchParameterRead "search-parameter.read" "Read search parameters" (named Read)
                                                           [all  all all  all  -    all]
    SearchParameterFind "search-parameter.find" "Find search parameters" (named Search)
                                                           [all  all all  all  -    all]
    SearchParameterAdd "search-parameter.add" "Add a search parameter" (named Create)
                                                           [all  -   -    -    -    -]
    SearchParameterChange "search-parameter.change" "Change or retire a search parameter" (named Update)
                                                           [all  -   -    -    -    -]
    SearchParameterRemove "search-parameter.remove" "Remove a search parameter" (named Delete)
                                                           [all  -   -    -    -    -]
    LetterheadRead "letterhead.read" "Read the letterhead" ("Organization" Read)
                                                           [all  all -    -    -    all]
    LetterheadSet "letterhead.set" "Set letterhead and logo" ("Organization" Update)
                                                           [all  -   -    -    -    -]
    PackageList "package.list" "List packages of implementation guides" ("ImplementationGuide" Search)
                                                           [all  all all  all  -    all]
    PackageAdd "package.add" "Install a package of an implementation guide" ("ImplementationGuide" Create)
                                                           [all  -   -    -    -    -]
    PackageRemove "package.remove" "Remove a package of an implementation guide" ("ImplementationGuide" Delete)
                                                           [all  -   -    -    -    -]
    ValidationRead "validation.read" "See what becomes of resources that break rules" ("ImplementationGuide" Read)
                                                           [all  all -    all  -    all]
    ValidationSet "validation.set" "Say what becomes of resources that break rules" ("ImplementationGuide" Update)
                                                           [all  -   -    -    -    -]
    StudyStore "study.store" "Store DICOM instances" ("ImagingStudy" Create)
                                                           [-    all -    all  -    all]
    StudyFind "study.find" "Find studies, series and instances" ("ImagingStudy" Search)
                                                           [-    all all  all  -    all]
    StudyRead "study.read" "Read studies, series and instances" ("ImagingStudy" Read)
                                                           [-    all all  all  -    all]
    StudyDelete "study.delete" "Delete studies, series and instances" ("ImagingStudy" Delete)
                                                           [-    -   -    all  -    -]
    OrthancRead "orthanc.read" "Ask the Orthanc behind the gateway itself" ("ImagingStudy" Read)
                                                           [-    -   -    all  -    -]
    OrthancWrite "orthanc.write" "Change something in the Orthanc behind the gateway" ("ImagingStudy" Update)
                                                           [-    -   -    all  -    -]
    JobList "job.list" "List jobs" ("Task" Search)
                                                           [all  -   -    -    -    -]
    JobShow "job.show" "See a job" ("Task" Read)
                                                           [all  -   -    -    -    -]
    JobRetry "job.retry" "Run a dead job again" ("Task" Update)
                                                           [all  -   -    -    -    -]
    JobCancel "job.cancel" "Cancel a job" ("Task" Update)
                                                           [all  -   -    -    -    -]
    AuditRead "audit.read" "Read the audit log" ("AuditEvent" Read)
                                                           [-    -   -    -    all  -]
    AuditVerify "audit.verify" "Check the audit chain" ("AuditEvent" Read)
                                                           [all  -   -    -    all  all]
    TokenMint "token.mint" "Issue a token" (whole)
                                                           [all  -   -    -    -    -]
    TokenRevoke "token.revoke" "Revoke a token" (whole)
                                                           [all  -   -    -    -    -]
    TokenRedeem "token.redeem" "Take the first administrator's token for the one-time password" (public)
                                                           [-    -   -    -    -    -]
    MetricsRead "metrics.read" "Read the figures of the server" ("MeasureReport" Read)
                                                           [all  -   -    all  -    -]
    MetadataRead "metadata.read" "Read what the server can do" (public)
                                                           [-    -   -    -    -    -]
    HealthRead "health.read" "See whether the server works" (public)
                                                           [-    -   -    -    -    -]
}

impl Operation {
    /// The name in the audit log and in documents: `report.finalize`.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The operation of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.as_str() == name)
    }

    /// What it is, in a few words.
    pub fn summary(self) -> &'static str {
        self.row().summary
    }

    /// What it needs of a token that is narrowed by scopes.
    pub fn need(self) -> Need {
        self.row().need
    }

    /// Whether it is open to everyone, without a token.
    pub fn is_public(self) -> bool {
        self.need() == Need::Public
    }

    /// How far `role` reaches in it.
    pub(super) fn granted_to(self, role: Role) -> Option<Extent> {
        let column = Role::ALL.iter().position(|each| *each == role)?;
        self.row().grants.get(column).copied().flatten()
    }

    /// How far the gateway itself reaches in it.
    pub(super) fn granted_to_gateway(self) -> Option<Extent> {
        self.row().grants.last().copied().flatten()
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Operation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Operation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom("is not the name of an operation"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.as_str()), Some(*operation));
        }
    }

    #[test]
    fn public_operations_need_no_row_and_all_others_have_someone_who_may() {
        for operation in Operation::ALL {
            let anyone = Role::ALL.iter().any(|role| operation.granted_to(*role).is_some());
            assert_eq!(anyone, !operation.is_public(), "{operation}");
        }
    }
}

//! The topics that can be subscribed to. R4 has no SubscriptionTopic; the CapabilityStatement names them.

/// A topic: every create, update and delete of one resource type.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its canonical URL.
    pub url: &'static str,
    /// The type whose changes it is about. A filter takes every search parameter of the type, without chains.
    pub resource_type: &'static str,
}

/// All topics.
pub static TOPICS: [Topic; 2] = [
    Topic {
        url: "https://causeway.health/fhir/SubscriptionTopic/diagnostic-report-change",
        resource_type: "DiagnosticReport",
    },
    Topic { url: "https://causeway.health/fhir/SubscriptionTopic/imaging-study-change", resource_type: "ImagingStudy" },
];

impl Topic {
    /// The topic of a canonical URL.
    pub fn find(url: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.url == url)
    }
}

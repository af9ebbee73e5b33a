//! Which value set or code system a request is about.

use crate::base::ProblemCode;
use crate::fhir::Json;

use super::input::Inputs;
use super::value_set::{Canonical, Kind};

/// At which level an operation was asked. R4 operations.html#executing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Of a resource type.
    Type,
    /// Of one resource.
    Instance,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The resource of the path.
    Instance,
    /// One that is known by its canonical URL.
    Named(Canonical),
    /// One that came with the request.
    Given(Box<Json>),
}

impl Target {
    /// Takes `url`, the version and the resource out of the parameters. `None` if it is wrong or missing;
    /// the parameters know which.
    pub(super) fn take(inputs: &mut Inputs, level: Level, kind: Kind) -> Option<Self> {
        let given = match kind {
            Kind::ValueSet => "valueSet",
            Kind::CodeSystem => "codeSystem",
        };
        if level == Level::Instance {
            for name in ["url", given].into_iter().filter(|name| inputs.has(name)).collect::<Vec<_>>() {
                let detail = "the resource is named by the path already";
                inputs.refuse(name, ProblemCode::Invariant, detail);
                inputs.forget(name);
            }
            return Some(Self::Instance);
        }
        let url = inputs.text("url");
        let resource = inputs.has(given).then(|| inputs.resource(given, kind.as_str()));
        match (url, resource) {
            (Some(url), None) => Some(Self::Named(Canonical::parse(kind, &url))),
            (None, Some(resource)) => resource.map(|resource| Self::Given(Box::new(resource))),
            (None, None) => None,
            (Some(_), Some(_)) => {
                inputs.refuse(given, ProblemCode::Invariant, "does not go with url");
                None
            }
        }
    }

    /// With the version that a parameter of its own names.
    pub(super) fn with_version(self, inputs: &mut Inputs, name: &str) -> Self {
        let Some(version) = inputs.text(name) else { return self };
        match self {
            Self::Named(mut canonical) if canonical.version.as_ref().is_none_or(|named| *named == version) => {
                canonical.version = Some(version);
                Self::Named(canonical)
            }
            other => {
                inputs.refuse(name, ProblemCode::Invariant, "goes with a url that names no other version only");
                other
            }
        }
    }
}

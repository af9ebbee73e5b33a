//! `package/package.json`: what a package says about itself.

use crate::fhir::{Json, Object};

use super::PackageError;

/// What a package says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its name: `hl7.fhir.us.core`.
    pub name: String,
    /// Its version: `6.1.0`.
    pub version: String,
    /// What the canonical URLs in it begin with.
    pub canonical: Option<String>,
    /// Its title for people.
    pub title: Option<String>,
    /// The licence that it names.
    pub license: Option<String>,
    /// Versions of FHIR that it is for.
    pub fhir_versions: Vec<String>,
    /// Packages that it builds on, in its order.
    pub dependencies: Vec<Dependency>,
}

/// A package that another one builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version, or a range of versions.
    pub version: String,
}

impl Manifest {
    /// Reads a manifest. It names R4 among its versions of FHIR, by `fhirVersions` or by the older
    /// `fhir-version-list`.
    pub(super) fn read(json: &Json) -> Result<Self, PackageError> {
        let text = |key: &str| json.text_at(&[key]).map(ToOwned::to_owned);
        let name = text("name").filter(|name| is_name(name));
        let version = text("version").filter(|version| is_name(version));
        let listed = ["fhirVersions", "fhir-version-list"].map(|key| json.items(key));
        let fhir_versions: Vec<String> =
            listed.into_iter().flatten().filter_map(Json::as_str).map(ToOwned::to_owned).collect();
        if fhir_versions.is_empty() {
            return Err(PackageError::Manifest("names no version of FHIR"));
        }
        if !fhir_versions.iter().any(|version| version == "4.0" || version.starts_with("4.0.")) {
            return Err(PackageError::FhirVersion(fhir_versions.join(", ")));
        }
        let dependencies = json.get("dependencies").and_then(Json::as_object).into_iter().flat_map(Object::iter);
        let dependencies = dependencies.map(|(name, version)| {
            let version = version.as_str().ok_or(PackageError::Manifest("has a dependency without a version"))?;
            Ok(Dependency { name: name.to_owned(), version: version.to_owned() })
        });
        Ok(Self {
            name: name.ok_or(PackageError::Manifest("has no name that can be used"))?,
            version: version.ok_or(PackageError::Manifest("has no version that can be used"))?,
            canonical: text("canonical"),
            title: text("title"),
            license: text("license"),
            fhir_versions,
            dependencies: dependencies.collect::<Result<_, PackageError>>()?,
        })
    }
}

/// Whether a text can be part of a key and of a file name.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    text.len() <= 128 && text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(is_letter)
}

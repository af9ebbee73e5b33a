//! FHIR packages: the NPM packages that implementation guides come in. Bytes of a `.tgz` come in; the
//! manifest and the definitions that a gateway can use go out. Nothing is written anywhere, so a path in
//! the archive leads nowhere; one that tries to is refused all the same.
//!
//! Read are the resources right below `package/`. Examples, other folders and other files are passed over
//! and counted. <https://hl7.org/fhir/R4/packages.html>.

mod archive;
mod manifest;

use std::collections::{BTreeMap, HashSet};

use super::{Json, JsonLimits};

pub use manifest::{Dependency, Manifest};

/// How large a package may be.
#[derive(Debug, Clone, Copy)]
pub struct PackageLimits {
    /// Most bytes as it comes.
    pub packed_bytes: usize,
    /// Most bytes of the whole archive, unpacked.
    pub unpacked_bytes: u64,
    /// Most bytes of one file that is read.
    pub file_bytes: u64,
    /// Most entries of the archive.
    pub entries: usize,
}

impl Default for PackageLimits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { packed_bytes: 64 << 20, unpacked_bytes: 512 * MIB, file_bytes: 32 * MIB, entries: 50_000 }
    }
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What it says about itself.
    pub manifest: Manifest,
    /// Its definitions, in the order of the archive.
    pub definitions: Vec<PackagedDefinition>,
    /// How many resources of other types stand beside them, by type. They are not used.
    pub others: BTreeMap<String, usize>,
    /// How many files in other folders, or that are no JSON, were passed over.
    pub passed_over: usize,
}

/// A definition of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagedDefinition {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Canonical URL.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// The file that it comes from, below `package/`.
    pub file: String,
    /// The resource.
    pub json: Json,
}

/// What a definition defines: the resource types that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// StructureDefinition: a profile or an extension.
    StructureDefinition,
    /// ValueSet.
    ValueSet,
    /// CodeSystem.
    CodeSystem,
    /// SearchParameter.
    SearchParameter,
}

/// Why a package cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// It is larger than is taken.
    #[error("the package is larger than {limit} bytes or entries")]
    TooLarge {
        /// What was passed.
        limit: u64,
    },
    /// It is not a gzip file.
    #[error("the package is not compressed by gzip, or is damaged")]
    Compression,
    /// It is not a tar archive.
    #[error("the package is not a tar archive, or is damaged")]
    Archive,
    /// An entry is neither a file nor a folder.
    #[error("an entry of the package is neither a file nor a folder")]
    Entry,
    /// An entry has a path that leads out of the package.
    #[error("an entry of the package has a path that leads out of it")]
    Path,
    /// A file stands twice.
    #[error("{0} stands in the package twice")]
    Duplicate(String),
    /// There is no manifest.
    #[error("the package has no package/package.json")]
    NoManifest,
    /// The manifest is wrong.
    #[error("package/package.json: {0}")]
    Manifest(&'static str),
    /// It is not for FHIR R4.
    #[error("the package is for FHIR {0}, not for R4")]
    FhirVersion(String),
    /// A file is not the JSON that it should be.
    #[error("package/{file}: {detail}")]
    File {
        /// Which.
        file: String,
        /// What is wrong.
        detail: String,
    },
}

impl DefinitionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StructureDefinition, Self::ValueSet, Self::CodeSystem, Self::SearchParameter];

    /// The resource type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StructureDefinition => "StructureDefinition",
            Self::ValueSet => "ValueSet",
            Self::CodeSystem => "CodeSystem",
            Self::SearchParameter => "SearchParameter",
        }
    }

    /// The kind of a resource type.
    pub fn parse(resource_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == resource_type)
    }
}

impl Package {
    /// Reads a package, the bytes of a `.tgz`.
    pub fn read(bytes: &[u8], limits: &PackageLimits) -> Result<Self, PackageError> {
        let mut manifest = None;
        let mut package = Parts::default();
        archive::each_file(bytes, limits, |path, contents| {
            let Some(name) = path.strip_prefix(FOLDER).filter(|name| !name.contains('/')) else {
                package.passed_over += 1;
                return Ok(());
            };
            match name {
                "package.json" => manifest = Some(Manifest::read(&json(name, &contents()?)?)?),
                // A table of contents, made from what is read here anyway.
                ".index.json" => {}
                _ if name.strip_suffix(".json").is_some() => package.add(name, json(name, &contents()?)?)?,
                _ => package.passed_over += 1,
            }
            Ok(())
        })?;
        let Parts { definitions, others, passed_over, .. } = package;
        Ok(Self { manifest: manifest.ok_or(PackageError::NoManifest)?, definitions, others, passed_over })
    }

    /// The definitions of a kind.
    pub fn of_kind(&self, kind: DefinitionKind) -> impl Iterator<Item = &PackagedDefinition> {
        self.definitions.iter().filter(move |definition| definition.kind == kind)
    }
}

/// What was read so far.
#[derive(Default)]
struct Parts {
    definitions: Vec<PackagedDefinition>,
    others: BTreeMap<String, usize>,
    passed_over: usize,
    seen: HashSet<(DefinitionKind, String, Option<String>)>,
}

impl Parts {
    fn add(&mut self, file: &str, json: Json) -> Result<(), PackageError> {
        let wrong = |detail: &str| PackageError::File { file: file.to_owned(), detail: detail.to_owned() };
        let resource_type = json.text_at(&["resourceType"]).ok_or_else(|| wrong("has no resource type"))?;
        let Some(kind) = DefinitionKind::parse(resource_type) else {
            if !super::resource_type::is_known(resource_type) {
                return Err(wrong("is of no resource type of R4"));
            }
            *self.others.entry(resource_type.to_owned()).or_default() += 1;
            return Ok(());
        };
        let url = json.text_at(&["url"]).filter(|url| !url.is_empty()).ok_or_else(|| wrong("has no url"))?.to_owned();
        let version = json.text_at(&["version"]).map(ToOwned::to_owned);
        if !self.seen.insert((kind, url.clone(), version.clone())) {
            return Err(PackageError::Duplicate(url));
        }
        self.definitions.push(PackagedDefinition { kind, url, version, file: file.to_owned(), json });
        Ok(())
    }
}

fn json(file: &str, bytes: &[u8]) -> Result<Json, PackageError> {
    let limits = JsonLimits::default();
    // Some tools write a byte order mark.
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    Json::parse(text, &limits).map_err(|error| PackageError::File { file: file.to_owned(), detail: error.to_string() })
}

/// Where the contents of a package are.
const FOLDER: &str = "package/";

#[cfg(test)]
mod tests;

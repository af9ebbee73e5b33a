//! Packages of implementation guides: adding, listing and removing them, and their definitions for whoever needs them.

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{ProblemCode, Problems, Sha256};
use crate::fhir::package::{DefinitionKind, Package, PackageError, PackageLimits};
use crate::fhir::profile::{Wanted, compile, constrained_type};
use crate::fhir::resource_type;
use crate::fhir::{Json, JsonLimits};
use crate::store::{DefinitionWrite, PackageChange, StoreError, StoredPackage, Write, WriteSet};

use super::{Error, Ops};

/// What adding a package came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageAdded {
    /// The package.
    pub package: StoredPackage,
    /// Whether the very same package was there already: then nothing was done.
    pub was_there: bool,
    /// How many definitions of each kind it has.
    pub definitions: Vec<(DefinitionKind, usize)>,
    /// What of it is not used, and why.
    pub unused: Vec<String>,
    /// Packages that it builds on and that are not installed: name and version.
    pub missing: Vec<(String, String)>,
}

/// A definition of an installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledDefinition {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Canonical URL.
    pub url: String,
    /// Its version; empty for none.
    pub version: String,
    /// Name and version of its package.
    pub package: (String, String),
    /// The resource.
    pub json: Json,
}

impl Ops {
    /// Installs a package, the bytes of its `.tgz`. One of the same name and version is replaced, and nothing is done if
    /// it is the very same.
    pub async fn add_package(&self, actor: &Actor, bytes: Vec<u8>) -> Result<PackageAdded, Error> {
        self.authorize(actor, Operation::PackageAdd).await?;
        let digest = Sha256::of(&bytes);
        let now = self.now();
        let read = self.on_cpu(move || Package::read(&bytes, &PackageLimits::default())).await?;
        let read = read.map_err(|error| of_package(&error))?;
        let installed = self.desk(actor).packages().await?;
        let missing = read.manifest.dependencies.iter().filter(|dependency| {
            // R4 itself is always there.
            dependency.name != "hl7.fhir.r4.core" && !installed.iter().any(|one| one.name == dependency.name)
        });
        let missing = missing.map(|one| (one.name.clone(), one.version.clone())).collect();
        let package = StoredPackage {
            name: read.manifest.name.clone(),
            version: read.manifest.version.clone(),
            canonical: read.manifest.canonical.clone().unwrap_or_default(),
            title: read.manifest.title.clone().unwrap_or_default(),
            digest,
            added_at: now,
        };
        let definitions = DefinitionKind::ALL.map(|kind| (kind, read.of_kind(kind).count())).to_vec();
        let was_there = installed
            .iter()
            .any(|one| (&one.name, &one.version, one.digest) == (&package.name, &package.version, package.digest));
        let (writes, unused) = self.on_cpu(move || definition_writes(&read)).await?;
        let added = PackageAdded { package: package.clone(), was_there, definitions, unused, missing };
        if was_there {
            return Ok(added);
        }
        let object = Object::new(ObjectKind::Package, format!("{}#{}", package.name, package.version));
        let set = WriteSet::new()
            .with(Write::Package(PackageChange::Put { package, definitions: writes }))
            .with(Write::Audit(self.event(actor, Operation::PackageAdd).on(object)));
        self.desk(actor).commit(set).await?;
        self.forget_rules(&actor.tenant);
        Ok(added)
    }

    /// The packages that are installed.
    pub async fn packages(&self, actor: &Actor) -> Result<Vec<StoredPackage>, Error> {
        self.authorize(actor, Operation::PackageList).await?;
        Ok(self.desk(actor).packages().await?)
    }

    /// Takes a package away, all versions of it if none is named. Gives those that were; [`Error::NotFound`] if there
    /// is none. Resources that claim its profiles stay as they are, and their claims are not checked any more.
    pub async fn remove_package(
        &self,
        actor: &Actor,
        name: &str,
        version: Option<&str>,
    ) -> Result<Vec<StoredPackage>, Error> {
        self.authorize(actor, Operation::PackageRemove).await?;
        let mut found = self.desk(actor).packages().await?;
        found.retain(|one| one.name == name && version.is_none_or(|version| one.version == version));
        if found.is_empty() {
            return Err(Error::NotFound);
        }
        let mut set = WriteSet::new();
        for one in &found {
            let (name, version) = (one.name.clone(), one.version.clone());
            let object = Object::new(ObjectKind::Package, format!("{name}#{version}"));
            set.add(Write::Package(PackageChange::Remove { name, version }));
            set.add(Write::Audit(self.event(actor, Operation::PackageRemove).on(object)));
        }
        self.desk(actor).commit(set).await.map_err(|error| match error {
            StoreError::Gone => Error::NotFound,
            error => error.into(),
        })?;
        self.forget_rules(&actor.tenant);
        Ok(found)
    }

    /// The definitions of a kind in the tenant's packages, each with its JSON; of one canonical URL if one is named,
    /// the newest first. For use cases that have authorized their actor.
    pub async fn installed_definitions(
        &self,
        actor: &Actor,
        kind: DefinitionKind,
        url: Option<&str>,
    ) -> Result<Vec<InstalledDefinition>, Error> {
        let mut found = self.desk(actor).installed_definitions().await?;
        found.retain(|one| one.kind == kind && url.is_none_or(|url| one.url == url));
        found.sort_by(|one, other| (&one.url, &other.version).cmp(&(&other.url, &one.version)));
        let wanted = found.iter().map(|one| Wanted { kind, url: one.url.clone(), version: one.version.clone() });
        let bodies = self.desk(actor).definition_bodies(wanted.collect()).await?;
        found
            .into_iter()
            .zip(bodies)
            .filter_map(|(one, body)| {
                let json = Json::parse(&body?, &JsonLimits::default()).map_err(|error| Error::Fault(error.to_string()));
                let (url, version, package) = (one.url, one.version, one.package);
                Some(json.map(|json| InstalledDefinition { kind, url, version, package, json }))
            })
            .collect()
    }

    /// The definition that the tenant's packages have under a canonical URL, in this version if one is named.
    pub(super) async fn packaged(
        &self,
        actor: &Actor,
        kind: DefinitionKind,
        url: &str,
        version: Option<&str>,
    ) -> Result<Option<Json>, Error> {
        let rules = self.validation_rules(actor).await?;
        let Some(installed) = rules.registry().installed(kind, url, version) else { return Ok(None) };
        let wanted = Wanted { kind, url: installed.url.clone(), version: installed.version.clone() };
        let body = self.desk(actor).definition_bodies(vec![wanted]).await?.pop().flatten();
        let read = |body: Vec<u8>| Json::parse(&body, &JsonLimits::default());
        body.map(read).transpose().map_err(|error| Error::Fault(error.to_string()))
    }

    /// The profiles of resource types that are installed: type and canonical URL, in order.
    pub async fn supported_profiles(&self, actor: &Actor) -> Result<Vec<(String, String)>, Error> {
        let rules = self.validation_rules(actor).await?;
        let profiles = rules.registry().iter().filter(|one| resource_type::is_known(&one.constrains));
        let mut profiles: Vec<_> = profiles.map(|one| (one.constrains.clone(), one.url.clone())).collect();
        profiles.sort_unstable();
        profiles.dedup();
        Ok(profiles)
    }
}

/// What is kept of a package, and what of it is of no use.
fn definition_writes(package: &Package) -> (Vec<DefinitionWrite>, Vec<String>) {
    let mut unused: Vec<String> = Vec::new();
    let writes = package.definitions.iter().map(|definition| {
        let constrains = match definition.kind {
            DefinitionKind::StructureDefinition => constrained_type(&definition.json).to_owned(),
            _ => String::new(),
        };
        if !constrains.is_empty() {
            match compile(&definition.json) {
                Ok(profile) => {
                    unused.extend(profile.unchecked().iter().map(|part| format!("{}: {part}", definition.url)));
                }
                Err(error) => unused.push(format!("{}: {error}", definition.url)),
            }
        }
        DefinitionWrite {
            kind: definition.kind,
            url: definition.url.clone(),
            version: definition.version.clone().unwrap_or_default(),
            constrains,
            body: definition.json.to_text().into_bytes(),
        }
    });
    let writes = writes.collect();
    unused.extend(package.others.iter().map(|(kind, count)| format!("{count} resources of type {kind}")));
    (writes, unused)
}

fn of_package(error: &PackageError) -> Error {
    let code = match error {
        PackageError::TooLarge { .. } => ProblemCode::TooLong,
        PackageError::Duplicate(_) => ProblemCode::Duplicate,
        PackageError::FhirVersion(_) => ProblemCode::Unsupported,
        PackageError::NoManifest => ProblemCode::Required,
        _ => ProblemCode::Structure,
    };
    Error::Invalid(Problems::one("", code, error.to_string()))
}

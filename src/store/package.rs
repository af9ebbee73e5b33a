//! Packages of implementation guides and their definitions, and what resources are checked against. Whoever changes
//! any of it counts the generation up, by which all nodes see that they have to look again.

use diesel::prelude::*;

use crate::base::{Sha256, TenantId, Timestamp};
use crate::fhir::package::DefinitionKind;
use crate::fhir::profile::{Installed, Policy, Wanted};

use super::db::{Tx, on};
use super::schema::{fhir_definition, fhir_package, validation_state};
use super::{Desk, StoreError};

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// What the canonical URLs in it begin with; empty if it does not say.
    pub canonical: String,
    /// Title; empty for none.
    pub title: String,
    /// Digest of the file that it came in.
    pub digest: Sha256,
    /// When it was added.
    pub added_at: Timestamp,
}

/// A definition of a package, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionWrite {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Canonical URL.
    pub url: String,
    /// Its version; empty for none.
    pub version: String,
    /// Of a StructureDefinition the type that it constrains; else empty.
    pub constrains: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// A change of what resources are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageChange {
    /// Installs a package, in place of one of the same name and version.
    Put {
        /// The package.
        package: StoredPackage,
        /// All that it defines.
        definitions: Vec<DefinitionWrite>,
    },
    /// Takes a package away; [`StoreError::Gone`] if it is not there.
    Remove {
        /// Name.
        name: String,
        /// Version.
        version: String,
    },
    /// What becomes of resources that break rules.
    Policy(Policy),
}

impl Desk<'_> {
    /// The generation of what is installed, and the policy.
    pub async fn validation_state(&self) -> Result<(i64, Policy), StoreError> {
        let tenant = self.tenant().clone();
        let row: Option<(i64, String)> = self
            .read(move |tx| {
                on!(tx, conn => validation_state::table
                    .find(tenant.as_str())
                    .select((validation_state::generation, validation_state::policy))
                    .first(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        let Some((generation, policy)) = row else { return Ok((0, Policy::default())) };
        Ok((generation, Policy::parse(&policy).ok_or(StoreError::Corrupt("validation policy"))?))
    }

    /// The packages that are installed, by name and version.
    pub async fn packages(&self) -> Result<Vec<StoredPackage>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<PackageRow> = self
            .read(move |tx| {
                on!(tx, conn => fhir_package::table
                    .filter(fhir_package::tenant.eq(tenant.as_str()))
                    .order((fhir_package::name, fhir_package::version))
                    .select(PackageRow::as_select())
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter().map(PackageRow::open).collect()
    }

    /// What the packages define, without bodies, in no order.
    pub async fn installed_definitions(&self) -> Result<Vec<Installed>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(String, String, String, String, String, String)> = self
            .read(move |tx| {
                on!(tx, conn => fhir_definition::table
                    .filter(fhir_definition::tenant.eq(tenant.as_str()))
                    .select((
                        fhir_definition::resource_type,
                        fhir_definition::url,
                        fhir_definition::version,
                        fhir_definition::constrains,
                        fhir_definition::package,
                        fhir_definition::package_version,
                    ))
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter()
            .map(|(kind, url, version, constrains, package, package_version)| {
                let kind = DefinitionKind::parse(&kind).ok_or(StoreError::Corrupt("definition"))?;
                Ok(Installed { kind, url, version, constrains, package: (package, package_version) })
            })
            .collect()
    }

    /// The JSON of definitions, in their places; `None` for those that are not there.
    pub async fn definition_bodies(&self, wanted: Vec<Wanted>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx| wanted.iter().map(|one| body(tx, &tenant, one)).collect()).await
    }
}

fn body(tx: &mut Tx<'_>, tenant: &TenantId, wanted: &Wanted) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(i64, Vec<u8>)> = on!(tx, conn => fhir_definition::table
        .filter(fhir_definition::tenant.eq(tenant.as_str()))
        .filter(fhir_definition::resource_type.eq(wanted.kind.as_str()))
        .filter(fhir_definition::url.eq(&wanted.url))
        .filter(fhir_definition::version.eq(&wanted.version))
        // Where two packages have it, the newer one.
        .order((fhir_definition::package, fhir_definition::package_version.desc()))
        .select((fhir_definition::size, fhir_definition::body))
        .first(conn)
        .optional())?;
    row.map(|(size, packed)| {
        let corrupt = || StoreError::Corrupt("definition");
        let size = usize::try_from(size).map_err(|_negative| corrupt())?;
        zstd::bulk::decompress(&packed, size).map_err(|_damaged| corrupt())
    })
    .transpose()
}

/// Applies a change.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    change: &PackageChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        PackageChange::Put { package, definitions } => {
            remove(tx, tenant, &package.name, &package.version)?;
            put(tx, tenant, package, definitions, now)?;
        }
        PackageChange::Remove { name, version } => {
            if !remove(tx, tenant, name, version)? {
                return Err(StoreError::Gone);
            }
        }
        PackageChange::Policy(policy) => return next_generation(tx, tenant, Some(*policy)),
    }
    next_generation(tx, tenant, None)
}

fn remove(tx: &mut Tx<'_>, tenant: &TenantId, name: &str, version: &str) -> Result<bool, StoreError> {
    on!(tx, conn => diesel::delete(fhir_definition::table
        .filter(fhir_definition::tenant.eq(tenant.as_str()))
        .filter(fhir_definition::package.eq(name))
        .filter(fhir_definition::package_version.eq(version)))
        .execute(conn))?;
    let gone = on!(tx, conn => diesel::delete(fhir_package::table.find((tenant.as_str(), name, version)))
        .execute(conn))?;
    Ok(gone == 1)
}

fn put(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    package: &StoredPackage,
    definitions: &[DefinitionWrite],
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = PackageRow {
        tenant: tenant.as_str().to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        canonical: package.canonical.clone(),
        title: package.title.clone(),
        digest: package.digest.to_hex(),
        added_at: now.0,
    };
    on!(tx, conn => diesel::insert_into(fhir_package::table).values(row).execute(conn))?;
    for definition in definitions {
        let refused = |_error| StoreError::Refused("a definition cannot be compressed".into());
        let packed = zstd::bulk::compress(&definition.body, COMPRESSION).map_err(refused)?;
        let row = (
            fhir_definition::tenant.eq(tenant.as_str()),
            fhir_definition::package.eq(&package.name),
            fhir_definition::package_version.eq(&package.version),
            fhir_definition::resource_type.eq(definition.kind.as_str()),
            fhir_definition::url.eq(&definition.url),
            fhir_definition::version.eq(&definition.version),
            fhir_definition::constrains.eq(&definition.constrains),
            fhir_definition::size.eq(i64::try_from(definition.body.len()).unwrap_or(i64::MAX)),
            fhir_definition::body.eq(&packed),
        );
        on!(tx, conn => diesel::insert_into(fhir_definition::table).values(row).execute(conn))?;
    }
    Ok(())
}

fn next_generation(tx: &mut Tx<'_>, tenant: &TenantId, policy: Option<Policy>) -> Result<(), StoreError> {
    let first = (
        validation_state::tenant.eq(tenant.as_str()),
        validation_state::generation.eq(1_i64),
        validation_state::policy.eq(policy.unwrap_or_default().as_str()),
    );
    on!(tx, conn => diesel::insert_into(validation_state::table)
        .values(first)
        .on_conflict(validation_state::tenant)
        .do_update()
        .set(validation_state::generation.eq(validation_state::generation + 1))
        .execute(conn))?;
    if let Some(policy) = policy {
        on!(tx, conn => diesel::update(validation_state::table.find(tenant.as_str()))
            .set(validation_state::policy.eq(policy.as_str()))
            .execute(conn))?;
    }
    Ok(())
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = fhir_package)]
struct PackageRow {
    tenant: String,
    name: String,
    version: String,
    canonical: String,
    title: String,
    digest: String,
    added_at: i64,
}

impl PackageRow {
    fn open(self) -> Result<StoredPackage, StoreError> {
        Ok(StoredPackage {
            digest: Sha256::parse(&self.digest).ok_or(StoreError::Corrupt("package"))?,
            name: self.name,
            version: self.version,
            canonical: self.canonical,
            title: self.title,
            added_at: Timestamp(self.added_at),
        })
    }
}

/// Level of zstd: definitions are written once and read seldom.
const COMPRESSION: i32 = 9;

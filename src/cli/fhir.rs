//! `causeway fhir package add|list|remove` and `causeway fhir validation`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::access::Role;
use crate::app::Services;
use crate::fhir::profile::Policy;
use crate::fhir::{Json, Object};
use crate::ops::packages::PackageAdded;
use crate::ops::{Error, Ops};
use crate::store::StoredPackage;

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Packages of implementation guides.
    #[command(subcommand)]
    Package(PackageVerb),
    /// See or say what becomes of resources that break rules: base bindings and invariants, profiles, extensions.
    Validation {
        /// off: they are not looked at; warn: they are kept; reject: they are refused.
        #[arg(value_parser = ["off", "warn", "reject"])]
        policy: Option<String>,
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum PackageVerb {
    /// Install a package: resources that claim its profiles are checked against them from then on.
    Add {
        /// The package, a .tgz as registries have it.
        file: PathBuf,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Show the packages.
    List {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Take a package away. Resources that claim its profiles stay as they are.
    Remove {
        /// Name, or name#version; without a version all of them.
        package: String,
        #[command(flatten)]
        of: OfTenant,
    },
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Package(PackageVerb::Add { file, of }) => {
            let bytes = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let added = ops.add_package(&Services::command_actor(&of.tenant, &[Role::Admin]), bytes).await;
            let added = added.with_context(|| format!("{} cannot be installed", file.display()))?;
            out.result(&said(&added), || shown(&added));
        }
        Verb::Package(PackageVerb::List { of }) => {
            let packages = ops.packages(&Services::command_actor(&of.tenant, &[Role::Admin])).await?;
            let lines: Vec<String> =
                packages.iter().map(|one| format!("{}#{}  {}", one.name, one.version, one.canonical)).collect();
            out.result(&lines.join("\n"), || items("items", &packages));
        }
        Verb::Package(PackageVerb::Remove { package, of }) => {
            let (name, version) = package.split_once('#').map_or((&*package, None), |(one, two)| (one, Some(two)));
            let actor = Services::command_actor(&of.tenant, &[Role::Admin]);
            let removed = ops.remove_package(&actor, name, version).await.map_err(|error| match error {
                Error::NotFound => anyhow::anyhow!("{package} is not installed"),
                error => error.into(),
            })?;
            let lines: Vec<String> =
                removed.iter().map(|one| format!("removed {}#{}", one.name, one.version)).collect();
            out.result(&lines.join("\n"), || items("removed", &removed));
        }
        Verb::Validation { policy, of } => {
            let actor = Services::command_actor(&of.tenant, &[Role::Admin]);
            if let Some(policy) = policy.as_deref().and_then(Policy::parse) {
                ops.set_validation_policy(&actor, policy).await?;
            }
            let policy = ops.validation_policy(&actor).await?;
            out.result(policy.as_str(), || Object::new().with("policy", Json::string(policy.as_str())).into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn said(added: &PackageAdded) -> String {
    let PackageAdded { package, was_there, definitions, unused, missing } = added;
    let mut text = String::new();
    let done = if *was_there { "is installed already" } else { "installed" };
    let _ = writeln!(text, "{}#{} {done}", package.name, package.version);
    for (kind, count) in definitions {
        let _ = writeln!(text, "{count:>6}  {}", kind.as_str());
    }
    for part in unused {
        let _ = writeln!(text, "not used: {part}");
    }
    for (name, version) in missing {
        let _ = writeln!(text, "not installed, but built upon: {name}#{version}");
    }
    text
}

fn shown(added: &PackageAdded) -> Json {
    let counts = added.definitions.iter().fold(Object::new(), |counts, (kind, count)| {
        counts.with(kind.as_str(), Json::integer(i64::try_from(*count).unwrap_or(i64::MAX)))
    });
    let missing = added.missing.iter().map(|(name, version)| Json::string(format!("{name}#{version}")));
    object(&added.package)
        .with("wasThere", Json::Bool(added.was_there))
        .with("definitions", counts.into())
        .with("unused", Json::Array(added.unused.iter().map(Json::string).collect()))
        .with("missing", Json::Array(missing.collect()))
        .into()
}

fn items(name: &str, packages: &[StoredPackage]) -> Json {
    Object::new().with(name, Json::Array(packages.iter().map(|one| object(one).into()).collect())).into()
}

fn object(package: &StoredPackage) -> Object {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    Object::new()
        .with("name", Json::string(&package.name))
        .with("version", Json::string(&package.version))
        .with_text("canonical", text(&package.canonical))
        .with_text("title", text(&package.title))
        .with("sha256", Json::string(package.digest.to_hex()))
        .with("addedAt", Json::string(package.added_at.to_fhir()))
}

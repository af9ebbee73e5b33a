//! `causeway peer list|add|remove|test`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::access::Role;
use crate::app::Services;
use crate::base::{AeTitle, PeerName, TenantId};
use crate::fhir::{Json, Object};
use crate::ops::Ops;
use crate::ops::peers::settings_from_json;
use crate::remote::peer::{Level, Trial};
use crate::remote::{PeerKind, PeerSettings};

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Show the peers; secrets show as `***`.
    List {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Add a peer, or give one new settings.
    Add(Box<Add>),
    /// Take a peer away.
    Remove {
        /// Name.
        name: PeerName,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Try what a peer can do, and say in plain words what is wrong and what helps. A small test object is stored,
    /// which says what it is and has no patient; it is deleted again where the peer can do that.
    Test {
        /// Name.
        name: PeerName,
        /// Store nothing.
        #[arg(long)]
        without_storing: bool,
        /// Origin of the pages of a viewer that are to ask a DICOMweb peer; that of `http.public_url` where absent.
        #[arg(long, value_name = "URL")]
        origin: Option<url::Url>,
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Name.
    #[arg(required_unless_present = "file")]
    name: Option<PeerName>,
    /// What it speaks: dimse, dicomweb, fhir, orthanc.
    #[arg(long, required_unless_present = "file")]
    kind: Option<String>,
    /// Host of a DIMSE peer.
    #[arg(long)]
    host: Option<String>,
    /// Port of a DIMSE peer.
    #[arg(long)]
    port: Option<u16>,
    /// AE title of a DIMSE peer.
    #[arg(long)]
    called_ae_title: Option<AeTitle>,
    /// AE title to call it with.
    #[arg(long)]
    calling_ae_title: Option<AeTitle>,
    /// Base URL of an HTTP peer.
    #[arg(long)]
    url: Option<url::Url>,
    /// Forms that it gets where none is named. May stand several times.
    #[arg(long = "format")]
    formats: Vec<String>,
    /// All settings as a JSON file, with TLS, credentials and time limits; instead of the other options.
    #[arg(long, conflicts_with_all = ["kind", "host", "port", "called_ae_title", "calling_ae_title", "url", "formats"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    of: OfTenant,
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::List { of } => {
            let peers = ops.peers(&Services::command_actor(&of.tenant, &[Role::Admin])).await?;
            let mut text = String::new();
            for peer in &peers {
                let place = match (&peer.url, &peer.host) {
                    (Some(url), _) => url.to_string(),
                    (None, Some(host)) => format!("{host}:{}", peer.port.unwrap_or_default()),
                    (None, None) => String::new(),
                };
                let _ = writeln!(text, "{}  {}  {place}", peer.name, peer.kind.as_str());
            }
            let items: Vec<Json> = peers.iter().filter_map(|peer| Json::from_serialize(peer).ok()).collect();
            out.result(&text, || Object::new().with("items", Json::Array(items)).into());
        }
        Verb::Add(add) => {
            let tenant = add.of.tenant.clone();
            let settings = settings(*add)?;
            let name = settings.name.clone();
            ops.put_peer(&Services::command_actor(&tenant, &[Role::Admin]), settings).await?;
            out.result(&format!("added {name}"), || Object::new().with("added", Json::string(name.as_str())).into());
        }
        Verb::Remove { name, of } => {
            ops.remove_peer(&Services::command_actor(&of.tenant, &[Role::Admin]), &name).await?;
            out.result(&format!("removed {name}"), || {
                Object::new().with("removed", Json::string(name.as_str())).into()
            });
        }
        Verb::Test { name, without_storing, origin, of } => {
            let own = || url::Url::parse(&ops.base_url(&TenantId::default_tenant())).ok();
            let origin = origin.or_else(own).map(|url| url.origin().ascii_serialization());
            let trial = Trial { stores: !without_storing, origin };
            let actor = Services::command_actor(&of.tenant, &[Role::Admin]);
            let report = Box::pin(ops.test_peer(&actor, &name, &trial)).await?;
            let mut text = String::new();
            for finding in &report.findings {
                let mark = match finding.level {
                    Level::Good => "ok     ",
                    Level::Notice => "notice ",
                    Level::Problem => "PROBLEM",
                };
                let _ = writeln!(text, "{mark}  {}", finding.text);
            }
            let json = Json::from_serialize(&report)?;
            out.result(&text, || json);
            return Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(add: Add) -> anyhow::Result<PeerSettings> {
    if let Some(path) = &add.file {
        let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        return Ok(settings_from_json(&bytes)?);
    }
    let name = add.name.context("a peer has a name")?;
    let kinds = [PeerKind::Dimse, PeerKind::Dicomweb, PeerKind::Fhir, PeerKind::Orthanc];
    let kind = kinds.into_iter().find(|kind| Some(kind.as_str()) == add.kind.as_deref());
    let kind = kind.context("a kind is dimse, dicomweb, fhir or orthanc")?;
    let mut settings = match kind {
        PeerKind::Dimse => {
            let host = add.host.clone().context("a DIMSE peer has a --host")?;
            let port = add.port.context("a DIMSE peer has a --port")?;
            let title = add.called_ae_title.clone().context("a DIMSE peer has a --called-ae-title")?;
            PeerSettings::dimse(name, host, port, title)
        }
        _ => PeerSettings::http(name, kind, add.url.clone().context("a peer of this kind has a --url")?),
    };
    settings.calling_ae_title = add.calling_ae_title;
    settings.formats = (!add.formats.is_empty()).then_some(add.formats);
    Ok(settings)
}

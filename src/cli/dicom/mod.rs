//! `causeway dicom echo|store|find|get`: the gateway as service class user, towards an address or a peer.

mod find;
mod get;
mod store;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::access::Role;
use crate::app::{Services, Start};
use crate::base::{AeTitle, PeerName};
use crate::config::Config;
use crate::fhir::{Json, Object};
use crate::remote::dimse::DimsePeer;
use crate::remote::{PeerKind, PeerSettings};

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Ask whether somebody is there: C-ECHO.
    Echo {
        #[command(flatten)]
        target: Target,
    },
    /// Send files: C-STORE.
    Store(store::Store),
    /// Query: C-FIND.
    Find(find::Find),
    /// Retrieve on the same association: C-GET.
    Get(get::Get),
}

/// Who is called.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// HOST:PORT, or the name of a peer.
    #[arg(value_name = "TARGET")]
    address: String,
    /// AE title to call; of a peer its own where absent, else ANY-SCP.
    #[arg(long)]
    called: Option<AeTitle>,
    /// AE title to call with; `dimse.ae_title` where absent.
    #[arg(long)]
    calling: Option<AeTitle>,
    #[command(flatten)]
    of: OfTenant,
}

pub(super) async fn run(verb: Verb, config: &Config, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Echo { target } => {
            let echo = target.peer(config).await?.echo().await?;
            let milliseconds = u64::try_from(echo.round_trip.as_millis()).unwrap_or(u64::MAX);
            let implementation = echo.implementation.unwrap_or_default();
            out.result(&format!("answered in {milliseconds} ms by {implementation}"), || {
                Object::new()
                    .with("milliseconds", number(milliseconds))
                    .with("implementation", Json::string(implementation.as_str()))
                    .into()
            });
            Ok(ExitCode::SUCCESS)
        }
        Verb::Store(options) => Box::pin(store::run(options, config, out)).await,
        Verb::Find(options) => Box::pin(find::run(options, config, out)).await,
        Verb::Get(options) => Box::pin(get::run(options, config, out)).await,
    }
}

impl Target {
    /// The client of whom is called.
    async fn peer(&self, config: &Config) -> anyhow::Result<DimsePeer> {
        let mut settings = match self.address.rsplit_once(':') {
            Some((host, port)) => {
                let port = port.parse().with_context(|| format!("{port} is no port"))?;
                let called = AeTitle::parse("ANY-SCP")?;
                PeerSettings::dimse(PeerName::parse("target")?, host.trim_matches(['[', ']']), port, called)
            }
            None => self.known(config).await?,
        };
        if let Some(called) = &self.called {
            settings.called_ae_title = Some(called.clone());
        }
        let own = || config.dimse.ae_title.clone();
        settings.calling_ae_title =
            self.calling.clone().or_else(|| settings.calling_ae_title.take()).or_else(|| Some(own()));
        Ok(DimsePeer::new(&settings).await?)
    }

    /// The peer of this name.
    async fn known(&self, config: &Config) -> anyhow::Result<PeerSettings> {
        let name = PeerName::parse(&self.address)
            .with_context(|| format!("{} is neither HOST:PORT nor the name of a peer", self.address))?;
        let services = Services::open(config, Start::Command).await?;
        let peers = services.ops.peers(&Services::command_actor(&self.of.tenant, &[Role::Admin])).await;
        services.close().await;
        let peer = peers?.into_iter().find(|peer| peer.name == name);
        let peer = peer.with_context(|| format!("there is no peer {name}"))?;
        if peer.kind == PeerKind::Dimse { Ok(peer) } else { anyhow::bail!("{name} does not speak DIMSE") }
    }
}

/// A count as JSON.
fn number(count: impl TryInto<i64>) -> Json {
    Json::integer(count.try_into().unwrap_or(i64::MAX))
}

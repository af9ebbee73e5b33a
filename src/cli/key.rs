//! `causeway key rotate|rewrap`.

use std::process::ExitCode;

use crate::base::Clock as _;
use crate::base::SystemClock;
use crate::base::keyring::KeyPurpose;
use crate::fhir::{Json, Object};
use crate::ops::Ops;

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Give a tenant a new data key; what older keys have sealed still opens.
    Rotate {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Wrap all keys with the first master key of the key file, after a second line has kept the old one.
    Rewrap,
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Rotate { of } => {
            let now = SystemClock::default().now();
            let id = ops.store().rotate_key(&of.tenant, KeyPurpose::Data, now).await?;
            out.result(&format!("new key {id}"), || Object::new().with("keyId", Json::string(id.to_string())).into());
        }
        Verb::Rewrap => {
            let count = ops.store().rewrap_keys().await?;
            let number = i64::try_from(count).unwrap_or(i64::MAX);
            out.result(&format!("{count} keys wrapped anew"), || {
                Object::new().with("rewrapped", Json::integer(number)).into()
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `causeway config check|show`.

use crate::config::Config;
use crate::fhir::{Json, Object};

use super::Out;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Read the configuration and name everything that is wrong with it.
    Check,
    /// Show the effective configuration with the origin of each value; secrets show as `***`.
    Show,
}

pub(super) fn run(verb: &Verb, config: &Config, out: Out) {
    match verb {
        // Reading it has checked it.
        Verb::Check => {
            out.result("the configuration is valid", || Object::new().with("valid", Json::Bool(true)).into());
        }
        Verb::Show => {
            let text = config.show();
            out.result(&text, || Object::new().with("toml", Json::string(text.as_str())).into());
        }
    }
}

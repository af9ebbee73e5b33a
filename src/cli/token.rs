//! `causeway token mint|revoke`.

use std::process::ExitCode;

use anyhow::ensure;

use crate::access::{Role, Scopes, TokenId, UserId};
use crate::app::Services;
use crate::fhir::{Json, Object};
use crate::ops::Ops;
use crate::ops::tokens::TokenRequest;

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Make an access token and print it.
    Mint {
        /// Who it is for: a user, or with `system/` scopes a client that acts alone.
        #[arg(long)]
        user: String,
        /// Their name as it is printed, as PN text: `Doe^Jane`.
        #[arg(long)]
        name: Option<String>,
        /// What they are: admin, radiologist, clinician, integrator, auditor. May stand several times.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        #[command(flatten)]
        of: OfTenant,
        /// Scopes that narrow it, as `user/DiagnosticReport.rs`, or `system/DiagnosticReport.rs` of a client that acts
        /// alone. May stand several times.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// How long it lasts, in seconds; `tokens.access` of the configuration where absent.
        #[arg(long)]
        lifetime: Option<i64>,
    },
    /// Take a token back by its id.
    Revoke {
        /// `jti` of the token.
        jti: String,
        #[command(flatten)]
        of: OfTenant,
    },
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Mint { user, name, roles, of, scopes, lifetime } => {
            let parsed: Option<Vec<Role>> = roles.iter().map(|role| Role::parse(role)).collect();
            let Some(roles) = parsed else {
                anyhow::bail!("a role is one of {}", Role::ALL.map(|role| role.to_string()).join(", "));
            };
            let scope = (!scopes.is_empty()).then(|| scopes.join(" "));
            let narrowed = scope.as_deref().map_or_else(Scopes::unrestricted, Scopes::parse);
            ensure!(!narrowed.grants_nothing(), "none of the scopes grants anything");
            ensure!(
                narrowed.are_of_client().is_some(),
                "scopes are a user's (user/) or a client's own (system/), not both"
            );
            ensure!(lifetime.is_none_or(|seconds| seconds > 0), "the lifetime is a positive number of seconds");
            let actor = Services::command_actor(&of.tenant, &[Role::Admin]);
            let request = TokenRequest { user: UserId::parse(&user)?, name, roles, scope, lifetime_seconds: lifetime };
            let minted = ops.mint_token(&actor, request).await?;
            out.result(minted.token.expose(), || {
                Object::new()
                    .with("access_token", Json::string(minted.token.expose()))
                    .with("token_type", Json::string("Bearer"))
                    .with("jti", Json::string(minted.claims.token_id.as_str()))
                    .with("expires_at", Json::string(minted.claims.expires_at.to_fhir()))
                    .into()
            });
        }
        Verb::Revoke { jti, of } => {
            let actor = Services::command_actor(&of.tenant, &[Role::Admin]);
            ops.revoke_token(&actor, &TokenId::parse(&jti)?).await?;
            out.result("revoked", || Object::new().with("revoked", Json::string(jti)).into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

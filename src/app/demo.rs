//! The first start, and the demonstration: reports of every kind go in, their twins come out, and the
//! terminal says where everything is.

mod reports;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::access::{Actor, Role, UserId};
use crate::base::{LogicalId, TenantId};
use crate::config::Config;
use crate::dicom::sample_study;
use crate::fhir::{Json, JsonLimits};
use crate::ops::reports::Change;
use crate::ops::tokens::TokenRequest;
use crate::ops::{Error, Ops};
use crate::report::{ReportStatus, Twin};

use super::gateway::Gateway;
use super::services::Services;

/// Prints what someone at the terminal needs to begin: addresses, the one-time password of a first start,
/// and in the demonstration the reports, their twins and a command to try.
pub(super) async fn greet(config: &Config, serving: &Gateway, demo: bool) -> anyhow::Result<()> {
    let ops = serving.ops();
    let tenant = TenantId::default_tenant();
    let gateway = Services::command_actor(&tenant, &[Role::Admin]);
    let mut text = String::new();
    let base = ops.base_url(&tenant);
    let _ = writeln!(text, "Causeway {}", env!("CARGO_PKG_VERSION"));
    let places: Vec<String> = serving.addresses().iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "  listening        {}", places.join(", "));
    let _ = writeln!(text, "  reports          {base}/api/reports");
    let _ = writeln!(text, "  FHIR R4          {base}/fhir/r4");
    let places: Vec<String> = serving.dimse_addresses().iter().map(ToString::to_string).collect();
    if let Some(taken) = serving.dimse_taken() {
        let _ = writeln!(text, "  DICOM            NOT LISTENING: {taken}");
        let _ = writeln!(text, "                   (another place: --set dimse.listen=127.0.0.1:11113)");
    } else if !places.is_empty() {
        let _ = writeln!(text, "  DICOM            {} at {}", config.dimse.ae_title, places.join(", "));
    }
    let _ = writeln!(text, "  health           {base}/health/ready");
    let _ = writeln!(text, "  data             {}", config.data_dir.display());
    if let Some(password) = ops.first_start_password(&gateway).await? {
        let _ = writeln!(
            text,
            "  admin password   {}   (works once, for an hour: POST {base}/api/auth/bootstrap)",
            password.expose()
        );
    }
    if demo {
        let folder = config.data_dir.join("demo");
        let loaded = load(ops, &tenant, &folder).await.context("the demonstration cannot be loaded")?;
        let _ = writeln!(
            text,
            "\nDemonstration: {} reports, and a CT study of {} images in {}",
            loaded.len(),
            sample_study::SLICES,
            folder.join("study").display()
        );
        for report in &loaded {
            let _ = writeln!(text, "  {:<34} {:<14} {}", report.name, report.status.as_str(), report.folder.display());
        }
        let token = demo_token(ops, &gateway).await?;
        let _ = writeln!(text, "\nTry (the token is good for {} minutes):", config.tokens.access.as_secs() / 60);
        let _ = writeln!(text, "  curl -H 'Authorization: Bearer {token}' {base}/api/reports");
    }
    show(&text);
    Ok(())
}

/// A report of the demonstration.
struct Loaded {
    name: &'static str,
    status: ReportStatus,
    folder: PathBuf,
}

/// Takes the reports in that are not there yet, and writes the study and each report's twins to files.
async fn load(ops: &Ops, tenant: &TenantId, folder: &Path) -> anyhow::Result<Vec<Loaded>> {
    let author = Services::command_actor(tenant, &[Role::Radiologist]);
    let study = folder.join("study");
    std::fs::create_dir_all(&study)?;
    for (index, bytes) in sample_study::files().into_iter().enumerate() {
        std::fs::write(study.join(format!("ct-{}.dcm", index + 1)), bytes)?;
    }
    let mut loaded = Vec::new();
    for (name, text) in reports::ALL {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default())?;
        let id = json
            .text_at(&["id"])
            .and_then(|id| LogicalId::parse(id).ok())
            .with_context(|| format!("{name} has no id"))?;
        match ops.read_report(&author, &id, None).await {
            Ok(_) => {}
            Err(Error::NotFound) => {
                take_in(ops, &author, &id, &json).await.with_context(|| format!("{name} is refused"))?;
            }
            Err(error) => return Err(error.into()),
        }
        loaded.push(write_twins(ops, &author, name, &id, &json, folder).await?);
    }
    Ok(loaded)
}

/// A report begins as draft, preliminary or final; what was amended is final first.
async fn take_in(ops: &Ops, author: &Actor, id: &LogicalId, json: &Json) -> Result<(), Error> {
    let status = json.text_at(&["status"]).and_then(ReportStatus::parse);
    let Some(status) = status.filter(|status| !status.may_begin()) else {
        ops.create_report(author, json).await?;
        return Ok(());
    };
    let mut first = json.clone();
    if let Some(object) = first.as_object_mut() {
        let begin = if status.is_verified() { ReportStatus::Final } else { ReportStatus::Preliminary };
        object.set("status", Json::string(begin.as_str()));
    }
    ops.create_report(author, &first).await?;
    let change = match status {
        ReportStatus::Cancelled => Change::Cancel(None),
        ReportStatus::EnteredInError => Change::EnterInError(None),
        _ => Change::Amend { content: json.clone(), reason: Some("demonstration of an amendment".into()) },
    };
    ops.change_report(author, id, change, None).await?;
    Ok(())
}

async fn write_twins(
    ops: &Ops,
    author: &Actor,
    name: &'static str,
    id: &LogicalId,
    json: &Json,
    folder: &Path,
) -> anyhow::Result<Loaded> {
    let folder = folder.join("reports").join(name);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("report.json"), json.to_pretty())?;
    let version = ops.read_report(author, id, None).await?;
    for twin in [Twin::Fhir, Twin::DicomSr, Twin::Pdf, Twin::Text] {
        let rendition = match ops.read_rendition(author, id, version.edition.version, twin).await {
            Ok(rendition) => rendition,
            // A report that was withdrawn has no SR; its other twins say so.
            Err(Error::Rule(_)) if twin == Twin::DicomSr => continue,
            Err(error) => return Err(error.into()),
        };
        let bytes = ops.rendition_bytes(author, &rendition).await?;
        let file = match twin {
            Twin::Fhir => "report.fhir.json".to_owned(),
            other => format!("report.{}", other.extension()),
        };
        std::fs::write(folder.join(file), bytes)?;
    }
    Ok(Loaded { name, status: version.report.status, folder })
}

async fn demo_token(ops: &Ops, gateway: &Actor) -> anyhow::Result<String> {
    let request = TokenRequest {
        user: UserId::parse("demo")?,
        name: Some("Demo^Doctor".into()),
        roles: vec![Role::Radiologist, Role::Admin],
        scope: None,
        lifetime_seconds: None,
    };
    Ok(ops.mint_token(gateway, request).await?.token.expose().to_owned())
}

#[expect(clippy::print_stdout, reason = "this is what the person at the terminal waits for")]
fn show(text: &str) {
    println!("{text}");
}

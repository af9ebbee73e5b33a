//! `causeway report render|import|list`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::access::Role;
use crate::app::Services;
use crate::base::{LogicalId, TenantId, Timestamp, VersionId};
use crate::dicom::sample_study;
use crate::dicom::study::StudyFacts;
use crate::fhir::{Json, JsonLimits, Object};
use crate::ops::Ops;
use crate::ops::reports::ReportQuery;
use crate::report::edition::KeyImagePixels;
use crate::report::family;
use crate::report::sr::{self, HeadingCodes};
use crate::report::{
    Edition, Letterhead, Losses, PageSize, Predecessor, Rendering, Report, ReportLimits, ReportStatus, Twin, read,
};

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Render a report file offline, without a server.
    Render(Render),
    /// Take a report file in: our own JSON, or FHIR.
    Import {
        /// File.
        file: PathBuf,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Show reports, the last changed first.
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Render {
    /// Report as JSON.
    file: PathBuf,
    /// fhir, sr, pdf, txt, dicom-pdf, dicom-ko.
    #[arg(long)]
    format: String,
    /// File to write to; standard output where absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Instant of the version.
    #[arg(long, default_value = "2026-01-01T00:00:00Z")]
    recorded: String,
    /// Number of the version.
    #[arg(long, default_value_t = 1)]
    version: i32,
    /// Name of the organization on the letterhead.
    #[arg(long, default_value = "Causeway")]
    organization: String,
    /// a4 or letter.
    #[arg(long, default_value = "a4")]
    page_size: String,
    /// PNG or JPEG of the letterhead.
    #[arg(long)]
    logo: Option<PathBuf>,
    /// Codes of section headings in the SR: ln or dcm.
    #[arg(long, default_value = "ln")]
    headings: String,
    /// Public base URL in the FHIR bundle.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    public_url: String,
}

pub(super) fn render(options: &Render) -> anyhow::Result<ExitCode> {
    let twin = match options.format.as_str() {
        "sr" => Twin::DicomSr,
        name => Twin::parse(name).context("a format is fhir, sr, pdf, txt, dicom-pdf or dicom-ko")?,
    };
    let bytes = std::fs::read(&options.file).with_context(|| format!("{} cannot be read", options.file.display()))?;
    let fallback = LogicalId::derived(&["file", &options.file.display().to_string()]);
    let report = read::read_bytes(&bytes, &fallback, &ReportLimits::default())?;
    let letterhead = letterhead(options)?;
    let edition = edition(options, &report)?;
    let (study, images) = sample_facts(&report);
    let mut missing = Losses::new();
    for index in 0..report.key_images.len() {
        if !images.iter().any(|image| image.index == index) {
            missing.add(format!("keyImages[{index}]"), "no archive to fetch the image from");
        }
    }
    let rendering = Rendering {
        report: &report,
        edition: &edition,
        content_digest: report.content_digest(),
        study: &study,
        letterhead: &letterhead,
        images: &images,
        missing: &missing,
        public_url: options.public_url.trim_end_matches('/'),
    };
    let headings = match options.headings.as_str() {
        "ln" => HeadingCodes::Ln,
        "dcm" => HeadingCodes::Dcm,
        _ => anyhow::bail!("headings are ln or dcm"),
    };
    let family = family::render(&rendering, headings)?;
    let Some(rendered) = family.member(twin) else {
        match (&family.without_dicom, twin) {
            (Some(error), Twin::DicomSr | Twin::EncapsulatedPdf | Twin::KeyObject) => anyhow::bail!("{error}"),
            _ => anyhow::bail!("the report has no rendition in this form"),
        }
    };
    for loss in &rendered.losses.0 {
        Out::remark(&format!("not carried: {}: {}", loss.path, loss.detail));
    }
    match &options.out {
        None => Out::bytes(&rendered.bytes)?,
        Some(path) => {
            std::fs::write(path, &rendered.bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Render(options) => return render(&options),
        Verb::Import { file, of } => {
            let actor = Services::command_actor(&of.tenant, &[Role::Integrator]);
            let bytes = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let json = Json::parse(&bytes, &JsonLimits::default())?;
            let (version, losses) = if json.get("resourceType").is_some() {
                let imported = ops.import_report(&actor, &json, &bytes).await?;
                (imported.version, imported.losses)
            } else {
                (ops.create_report(&actor, &json).await?, Losses::new())
            };
            for loss in &losses.0 {
                Out::remark(&format!("not carried: {}: {}", loss.path, loss.detail));
            }
            let id = version.report.id.as_str();
            out.result(id, || Object::new().with("id", Json::string(id)).into());
        }
        Verb::List { limit, of } => {
            let actor = Services::command_actor(&of.tenant, &[Role::Clinician]);
            let page = ops.list_reports(&actor, ReportQuery { limit, ..ReportQuery::default() }).await?;
            let mut text = String::new();
            for version in &page.items {
                let (report, edition) = (&version.report, &version.edition);
                let (id, status) = (&report.id, report.status.as_str());
                let _ = writeln!(text, "{id}  v{}  {status:<12} {}", edition.version, edition.recorded_at.to_fhir());
            }
            let items = page.items.iter().map(|version| version.report.to_json()).collect();
            out.result(&text, || Object::new().with("items", Json::Array(items)).into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the sample archive of the demonstration knows, where the report is on its study.
fn sample_facts(report: &Report) -> (StudyFacts, Vec<KeyImagePixels>) {
    if report.study.study_instance_uid.as_str() != sample_study::STUDY_INSTANCE_UID {
        return (StudyFacts::default(), Vec::new());
    }
    let mut images = Vec::new();
    for (index, key) in report.key_images.iter().enumerate() {
        let slice = (1..=sample_study::SLICES)
            .find(|slice| sample_study::sop_instance_uid(*slice) == key.image.sop_instance_uid);
        images.extend(slice.and_then(sample_study::png).map(|bytes| KeyImagePixels { index, bytes }));
    }
    (sample_study::facts(), images)
}

fn letterhead(options: &Render) -> anyhow::Result<Letterhead> {
    let page_size = match options.page_size.as_str() {
        "a4" => PageSize::A4,
        "letter" => PageSize::Letter,
        _ => anyhow::bail!("a page size is a4 or letter"),
    };
    let logo = match &options.logo {
        None => None,
        Some(path) => Some(std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?),
    };
    Ok(Letterhead { organization: options.organization.clone(), lines: Vec::new(), logo, page_size })
}

/// A file says nothing of earlier versions: one that was amended follows the version before its own.
fn edition(options: &Render, report: &Report) -> anyhow::Result<Edition> {
    let tenant = TenantId::default_tenant();
    let recorded_at = Timestamp::parse(&options.recorded).context("--recorded is not an instant")?.to_millis();
    let follows = matches!(report.status, ReportStatus::Amended | ReportStatus::Corrected | ReportStatus::Appended);
    let version = VersionId(options.version.max(if follows { 2 } else { 1 }));
    let predecessor = follows.then(|| {
        let former = VersionId(version.0 - 1);
        Predecessor {
            version: former,
            sop_class_uid: sr::sop_class_of(report),
            sop_instance_uid: Edition::sop_instance_uid(&tenant, &report.id, former, Twin::DicomSr),
        }
    });
    let verified_at = report.status.is_verified().then_some(recorded_at);
    Ok(Edition { tenant, version, recorded_at, verified_at, predecessor, reason: None })
}

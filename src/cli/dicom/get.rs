//! `causeway dicom get`: a study, series or instance over C-GET, into files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use dicom_core::VR;
use dicom_dictionary_std::tags;
use tokio::io::AsyncWriteExt as _;

use crate::base::Uid;
use crate::cli::Out;
use crate::config::Config;
use crate::dicom::dimse::{EXPLICIT_LE, IMPLICIT_LE, QueryModel, Suboperations};
use crate::dicom::element::{self, DataSet};
use crate::dicom::header::NewMeta;
use crate::fhir::Object;
use crate::remote::dimse::{Arriving, DimsePeer, Retrieval, Step};

use super::{Target, number};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Get {
    #[command(flatten)]
    target: Target,
    /// Study Instance UID.
    #[arg(long)]
    study: Uid,
    /// Series Instance UID, for one series.
    #[arg(long)]
    series: Option<Uid>,
    /// SOP Instance UID, for one instance; with its series.
    #[arg(long, requires = "series")]
    instance: Option<Uid>,
    /// Folder to write files to; it is made if it is not there.
    #[arg(long, short, default_value = ".")]
    output: PathBuf,
    /// A SOP class that is expected; may stand several times. Asked for where absent.
    #[arg(long = "sop-class")]
    sop_classes: Vec<Uid>,
}

pub(super) async fn run(options: Get, config: &Config, out: Out) -> anyhow::Result<ExitCode> {
    let folder = &options.output;
    tokio::fs::create_dir_all(folder).await.with_context(|| format!("{} cannot be made", folder.display()))?;
    let peer = options.target.peer(config).await?;
    let classes =
        if options.sop_classes.is_empty() { classes(&peer, &options).await? } else { options.sop_classes.clone() };
    if classes.is_empty() {
        anyhow::bail!("nothing is there by these UIDs");
    }
    let kinds = kinds(&classes);
    let mut retrieval = peer.get(QueryModel::StudyRoot, &identifier(&options), &kinds).await?;
    let (written, counts) = match receive(&mut retrieval, folder).await {
        Ok(ended) => ended,
        Err(error) => {
            retrieval.abort().await;
            return Err(error);
        }
    };
    retrieval.release().await;
    let failed = counts.failed;
    out.result(&format!("{written} written to {}, {failed} failed", folder.display()), || {
        Object::new().with("written", number(written)).with("failed", number(failed)).into()
    });
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes what arrives; gives how many files there are, and the peer's own counts.
async fn receive(retrieval: &mut Retrieval, folder: &Path) -> anyhow::Result<(usize, Suboperations)> {
    let mut written = 0;
    let mut open: Option<tokio::fs::File> = None;
    loop {
        match retrieval.next().await? {
            Step::Begins(arriving) => open = Some(create(folder, &arriving).await?),
            Step::Piece(bytes) => {
                if let Some(file) = &mut open {
                    file.write_all(&bytes).await?;
                }
            }
            Step::Ends => {
                if let Some(mut file) = open.take() {
                    file.flush().await?;
                    file.sync_all().await?;
                    written += 1;
                }
                retrieval.answer(0).await?;
            }
            Step::Progress(counts) => {
                let left = counts.remaining.unwrap_or_default();
                Out::remark(&format!("{} here, {left} to come, {} failed", counts.completed, counts.failed));
            }
            Step::Done { counts, .. } => return Ok((written, counts)),
        }
    }
}

async fn create(folder: &Path, arriving: &Arriving) -> anyhow::Result<tokio::fs::File> {
    let path = folder.join(format!("{}.dcm", arriving.sop_instance_uid));
    let meta = NewMeta {
        sop_class_uid: &arriving.sop_class_uid,
        sop_instance_uid: &arriving.sop_instance_uid,
        transfer_syntax_uid: &arriving.transfer_syntax_uid,
        source: None,
        sending: None,
        receiving: None,
    };
    let created = tokio::fs::File::create(&path).await;
    let mut file = created.with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(&meta.to_bytes()).await?;
    Ok(file)
}

fn identifier(options: &Get) -> DataSet {
    let level = match (&options.series, &options.instance) {
        (_, Some(_)) => "IMAGE",
        (Some(_), None) => "SERIES",
        (None, None) => "STUDY",
    };
    let mut set = DataSet::new_empty();
    element::put_text(&mut set, tags::QUERY_RETRIEVE_LEVEL, VR::CS, level);
    element::put_text(&mut set, tags::STUDY_INSTANCE_UID, VR::UI, options.study.as_str());
    if let Some(series) = &options.series {
        element::put_text(&mut set, tags::SERIES_INSTANCE_UID, VR::UI, series.as_str());
    }
    if let Some(instance) = &options.instance {
        element::put_text(&mut set, tags::SOP_INSTANCE_UID, VR::UI, instance.as_str());
    }
    set
}

/// The SOP classes of what is wanted, as the peer names them: series by series, because a query at the level
/// of instances names one.
async fn classes(peer: &DimsePeer, options: &Get) -> anyhow::Result<Vec<Uid>> {
    let mut series = Vec::new();
    match &options.series {
        Some(uid) => series.push(uid.as_str().to_owned()),
        None => {
            let mut identifier = identifier(options);
            element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, "SERIES");
            element::put_empty(&mut identifier, tags::SERIES_INSTANCE_UID, VR::UI);
            let found = peer.find(QueryModel::StudyRoot, &identifier, MOST).await?;
            series.extend(found.data_sets.iter().filter_map(|set| element::text(set, tags::SERIES_INSTANCE_UID)));
        }
    }
    let mut classes: Vec<Uid> = Vec::new();
    for uid in series {
        let mut identifier = identifier(options);
        element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, "IMAGE");
        element::put_text(&mut identifier, tags::SERIES_INSTANCE_UID, VR::UI, uid);
        if options.instance.is_none() {
            element::put_empty(&mut identifier, tags::SOP_INSTANCE_UID, VR::UI);
        }
        element::put_empty(&mut identifier, tags::SOP_CLASS_UID, VR::UI);
        let found = peer.find(QueryModel::StudyRoot, &identifier, MOST).await?;
        for class in found.data_sets.iter().filter_map(|set| element::text(set, tags::SOP_CLASS_UID)) {
            let class = Uid::parse(&class).context("the peer names a SOP class that is no UID")?;
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
    }
    Ok(classes)
}

/// For each class a context of each transfer syntax, as long as there is room, so that instances come as they
/// are kept; the uncompressed ones together and first.
fn kinds(classes: &[Uid]) -> Vec<(Uid, Vec<&'static str>)> {
    let mut kinds: Vec<_> = classes.iter().map(|class| (class.clone(), vec![EXPLICIT_LE])).collect();
    kinds.extend(classes.iter().map(|class| (class.clone(), vec![IMPLICIT_LE])));
    for syntax in SYNTAXES {
        kinds.extend(classes.iter().map(|class| (class.clone(), vec![*syntax])));
    }
    kinds.truncate(MAX_CONTEXTS);
    kinds
}

/// Matches that are taken at most.
const MOST: usize = 100_000;
/// Contexts beside the one of C-GET itself.
const MAX_CONTEXTS: usize = 127;
/// Transfer syntaxes beyond the two that everybody speaks, the more usual ones first.
const SYNTAXES: &[&str] = &[
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.93",
];

//! `causeway dicom store`: files and what is below folders, one after the other on one association.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::io::AsyncReadExt as _;

use crate::base::Uid;
use crate::cli::Out;
use crate::cli::files::files;
use crate::config::Config;
use crate::dicom::header::MetaReader;
use crate::dicom::status::StoreClass;
use crate::fhir::{Json, Object};
use crate::remote::dimse::{DimseError, Outgoing};

use super::{Target, number};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Store {
    #[command(flatten)]
    target: Target,
    /// Files, or folders of files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// What became of the files.
#[derive(Debug, Default)]
struct Totals {
    sent: usize,
    warned: usize,
    /// Files and why they were not taken.
    failures: Vec<(PathBuf, String)>,
}

pub(super) async fn run(options: Store, config: &Config, out: Out) -> anyhow::Result<ExitCode> {
    let peer = options.target.peer(config).await?;
    let mut totals = Totals::default();
    let (mut ready, mut kinds) = (Vec::new(), Vec::new());
    for path in files(&options.paths)? {
        match open(&path).await {
            Ok((outgoing, _data_set)) => {
                let kind = (outgoing.sop_class_uid, outgoing.transfer_syntax_uid);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
                ready.push(path);
            }
            Err(why) => totals.failures.push((path, why)),
        }
    }
    let mut sender = peer.sender(None, kinds);
    sender.connect().await?;
    for path in ready {
        let (outgoing, data_set) = match open(&path).await {
            Ok(opened) => opened,
            Err(why) => {
                totals.failures.push((path, why));
                continue;
            }
        };
        match sender.send(&outgoing, data_set).await {
            Ok(outcome) => {
                let words = || {
                    let status = outcome.status.map(|status| format!("{status} ")).unwrap_or_default();
                    format!("{status}{}", outcome.comment.clone().unwrap_or_default())
                };
                match outcome.class {
                    StoreClass::Success => totals.sent += 1,
                    StoreClass::Warning => {
                        totals.sent += 1;
                        totals.warned += 1;
                        Out::remark(&format!("{}: {}", path.display(), words()));
                    }
                    _ => totals.failures.push((path, words())),
                }
            }
            Err(error) => totals.failures.push((path, error.to_string())),
        }
    }
    sender.close().await;
    out.result(&totals.text(), || totals.json());
    Ok(if totals.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a file is to the network, and its data set.
async fn open(path: &Path) -> Result<(Outgoing, BoxStream<'static, Result<Bytes, DimseError>>), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut reader = MetaReader::default();
    let mut piece = vec![0; PIECE_BYTES];
    let (meta, rest) = loop {
        let read = file.read(&mut piece).await.map_err(unreadable)?;
        if read == 0 {
            reader.finish().map_err(|error| error.to_string())?;
            return Err("has no data set".to_owned());
        }
        let bytes = piece.get(..read).unwrap_or_default();
        if let Some(found) = reader.write(bytes).map_err(|error| error.to_string())? {
            break found;
        }
    };
    let uid = |text: Option<String>, what: &str| {
        text.and_then(|text| Uid::parse_lenient(&text).ok()).ok_or_else(|| format!("has no {what}"))
    };
    let outgoing = Outgoing {
        sop_class_uid: uid(meta.sop_class_uid, "SOP class UID")?,
        sop_instance_uid: uid(meta.sop_instance_uid, "SOP instance UID")?,
        transfer_syntax_uid: uid(meta.transfer_syntax_uid, "transfer syntax UID")?,
    };
    let rest = stream::iter((!rest.is_empty()).then(|| Ok(Bytes::from(rest))));
    let more = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE_BYTES];
        let read = file.read(&mut piece).await.map_err(|error| DimseError::Encode(error.to_string()))?;
        piece.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(piece), file)))
    });
    Ok((outgoing, rest.chain(more).boxed()))
}

impl Totals {
    fn text(&self) -> String {
        let mut text = format!("{} sent, {} with a warning, {} failed", self.sent, self.warned, self.failures.len());
        for (path, why) in &self.failures {
            let _infallible = write!(text, "\n{}: {why}", path.display());
        }
        text
    }

    fn json(&self) -> Json {
        let failure = |(path, why): &(PathBuf, String)| {
            let file = Json::string(path.display().to_string());
            Json::from(Object::new().with("file", file).with("reason", Json::string(why.as_str())))
        };
        Object::new()
            .with("sent", number(self.sent))
            .with("warnings", number(self.warned))
            .with("failed", number(self.failures.len()))
            .with("failures", Json::Array(self.failures.iter().map(failure).collect()))
            .into()
    }
}

/// What is read of a file at a time.
const PIECE_BYTES: usize = 128 << 10;

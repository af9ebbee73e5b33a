//! `causeway verify FILE…`: twins compared offline.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::fhir::{Json, Object};
use crate::report::verify::{Evidence, VerifyError, check, compare, file};

use super::Out;

pub(super) fn run(files: &[PathBuf], out: Out) -> ExitCode {
    let looked: Vec<(String, Result<Evidence, VerifyError>)> = files
        .iter()
        .map(|path| {
            let found = match std::fs::read(path) {
                Ok(bytes) => file(&bytes),
                Err(error) => Err(VerifyError::Unreadable(error.kind().to_string())),
            };
            (path.display().to_string(), found)
        })
        .collect();
    let (mut text, mut items, mut is_good) = (String::new(), Vec::new(), true);
    for (index, (name, found)) in looked.iter().enumerate() {
        let verdict = found.as_ref().map_err(Clone::clone).and_then(|evidence| {
            check(evidence)?;
            for (other, earlier) in looked.iter().take(index) {
                if let Ok(earlier) = earlier {
                    compare(evidence, other, earlier)?;
                }
            }
            Ok(evidence)
        });
        let mut item = Object::new().with("file", Json::string(name.as_str()));
        match verdict {
            Ok(evidence) => {
                let digest = evidence.claimed.map(super::super::base::digest::Sha256::to_hex).unwrap_or_default();
                let _ = writeln!(text, "ok      {name}  {}  sha256:{digest}", evidence.twin.as_str());
                item = item.with("good", Json::Bool(true)).with("form", Json::string(evidence.twin.as_str()));
                item = item.with("contentDigest", Json::string(format!("sha256:{digest}")));
            }
            Err(error) => {
                is_good = false;
                let _ = writeln!(text, "FAILED  {name}  {error}");
                item = item.with("good", Json::Bool(false)).with("detail", Json::string(error.to_string()));
            }
        }
        items.push(item.into());
    }
    out.result(&text, || Object::new().with("good", Json::Bool(is_good)).with("files", Json::Array(items)).into());
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

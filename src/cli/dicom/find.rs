//! `causeway dicom find`: C-FIND with keys by keyword or tag.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use crate::cli::Out;
use crate::config::Config;
use crate::dicom::dimse::QueryModel;
use crate::dicom::element::{self, DataSet};
use crate::fhir::{Json, Object};

use super::Target;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Find {
    #[command(flatten)]
    target: Target,
    /// What is looked for: PATIENT, STUDY, SERIES or IMAGE.
    #[arg(long, default_value = "STUDY")]
    level: String,
    /// A key and what it has to be, `PatientName=DOE*`; without a value it is only asked for. By keyword or as
    /// `00100010`. May stand several times.
    #[arg(short, long = "key", value_name = "KEY[=VALUE]")]
    keys: Vec<String>,
    /// Ask in the Patient Root model; else in Study Root.
    #[arg(long)]
    patient_root: bool,
    /// Matches that are taken at most; the query is cancelled behind them.
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
}

pub(super) async fn run(options: Find, config: &Config, out: Out) -> anyhow::Result<ExitCode> {
    let mut identifier = DataSet::new_empty();
    element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, options.level.as_str());
    for key in &options.keys {
        let (name, value) = key.split_once('=').unwrap_or((key, ""));
        let (tag, vr) = known(name).with_context(|| format!("{name} is no attribute"))?;
        if value.is_empty() {
            element::put_empty(&mut identifier, tag, vr);
        } else {
            element::put_text(&mut identifier, tag, vr, value);
        }
    }
    let model = if options.patient_root { QueryModel::PatientRoot } else { QueryModel::StudyRoot };
    let peer = options.target.peer(config).await?;
    let matches = peer.find(model, &identifier, options.limit).await?;
    let mut text = String::new();
    for found in &matches.data_sets {
        for (name, value) in values(found) {
            let _infallible = writeln!(text, "{name:<32} {value}");
        }
        text.push('\n');
    }
    let count = matches.data_sets.len();
    let _infallible = write!(text, "{count} found{}", if matches.is_cut { ", and there are more" } else { "" });
    out.result(&text, || {
        let items = matches.data_sets.iter().map(|found| {
            let object = values(found).into_iter();
            Json::from(object.fold(Object::new(), |object, (name, value)| object.with(&name, Json::string(value))))
        });
        Object::new().with("items", Json::Array(items.collect())).with("more", Json::Bool(matches.is_cut)).into()
    });
    Ok(ExitCode::SUCCESS)
}

/// The elements of a match by keyword; sequences are left out.
fn values(found: &DataSet) -> Vec<(String, String)> {
    let named = found.into_iter().filter(|element| element.vr() != VR::SQ).map(|element| {
        let tag = element.header().tag;
        let name = match StandardDataDictionary.by_tag(tag) {
            Some(entry) => entry.alias().to_owned(),
            None => format!("{:04X}{:04X}", tag.group(), tag.element()),
        };
        (name, element::text(found, tag).unwrap_or_default())
    });
    named.collect()
}

/// The attribute of a keyword, or of eight hexadecimal digits.
fn known(name: &str) -> Option<(Tag, VR)> {
    if let Some(entry) = StandardDataDictionary.by_name(name) {
        return Some((entry.tag(), entry.vr().relaxed()));
    }
    let group = u16::from_str_radix(name.get(..4)?, 16).ok()?;
    let number = u16::from_str_radix(name.get(4..)?, 16).ok().filter(|_| name.len() == 8)?;
    let tag = Tag(group, number);
    Some((tag, StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr().relaxed())))
}

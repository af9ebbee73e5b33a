//! DICOM files to store, and multiparts made and taken apart.

use std::path::Path;

use causeway::access::Role;
use causeway::dicom::element::{DataSet, put_text, put_value};
use causeway::dicom::header::{HeaderLimits, Identity, MetaReader, Scanner};
use causeway::dicom::part10::{self, TransferSyntax};
use dicom_core::VR;
use dicom_core::value::PrimitiveValue;
use dicom_dictionary_std::tags;
use serde_json::Value;

use crate::support::{Answer, Client, TestGateway};

pub(super) const BOUNDARY: &str = "gc0p4Jq0M2Yt08jU534c0p";
pub(super) const DICOM: &str = "application/dicom";
pub(super) const AS_STORED: (&str, &str) =
    ("Accept", "multipart/related; type=\"application/dicom\"; transfer-syntax=*");
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Files outside of `broken` that are no instances to store: required UIDs are missing, or the file meta information
/// speaks of another instance.
pub(super) const NO_INSTANCES: [&str; 6] =
    ["DICOMDIR.dcm", "chrSQEncoding.dcm", "HTJ2K_08_RGB.dcm", "JPEGLSNearLossless_08.dcm", "rtdose.dcm", "rtplan.dcm"];

/// A file of `fixtures/dicom`.
pub(super) fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the files of a folder of `fixtures/dicom`.
pub(super) fn files(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom").join(folder);
    let entries = std::fs::read_dir(path).expect("is there");
    let mut names: Vec<String> = entries
        .map(|entry| format!("{folder}/{}", entry.expect("readable").file_name().to_string_lossy()))
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "dcm"))
        .collect();
    names.sort();
    names
}

/// What stands behind the file meta information.
pub(super) fn data_set(file: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(file[140..144].try_into().expect("four bytes"));
    &file[144 + usize::try_from(length).expect("fits")..]
}

/// The texts of a file: study, series, class, instance.
pub(super) struct Names {
    pub(super) study: String,
    pub(super) series: String,
    pub(super) instance: String,
}

impl Names {
    /// Those of a file, in whatever transfer syntax it is.
    pub(super) fn of(file: &[u8]) -> Self {
        let (meta, data_set) = MetaReader::default().write(file).expect("is a file").expect("has a data set");
        let syntax = meta.transfer_syntax_uid.expect("names its transfer syntax");
        let mut scanner = Scanner::new(&syntax, &HeaderLimits::default()).expect("is known");
        scanner.write(&data_set).expect("is a data set");
        let known = scanner.finish().expect("is whole").identity();
        let Ok(Identity { study_instance_uid, series_instance_uid, sop_instance_uid, .. }) = known else {
            panic!("has no identity");
        };
        Self {
            study: study_instance_uid.to_string(),
            series: series_instance_uid.to_string(),
            instance: sop_instance_uid.to_string(),
        }
    }

    pub(super) fn path(&self) -> String {
        let Self { study, series, instance } = self;
        format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}")
    }

    pub(super) fn of_study(&self) -> String {
        format!("/dicom-web/studies/{}", self.study)
    }

    pub(super) fn of_series(&self) -> String {
        format!("{}/series/{}", self.of_study(), self.series)
    }
}

/// A small image of study `study`, series `series`, number `number`.
pub(super) fn image(study: u32, series: u32, number: u32) -> Vec<u8> {
    part10::write(&image_set(study, series, number), TransferSyntax::ExplicitVrLittleEndian).expect("is written")
}

/// As [`image`], to be changed. Its pixels are its number, sixteen times.
pub(super) fn image_set(study: u32, series: u32, number: u32) -> DataSet {
    let mut set = DataSet::new_empty();
    let mut text = |tag, vr, text: String| put_text(&mut set, tag, vr, text);
    text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.7".into());
    text(tags::SOP_INSTANCE_UID, VR::UI, format!("2.25.7.{study}.{series}.{number}"));
    text(tags::STUDY_DATE, VR::DA, format!("202601{:02}", study % 28 + 1));
    text(tags::STUDY_TIME, VR::TM, "101500".into());
    text(tags::ACCESSION_NUMBER, VR::SH, format!("ACC{study}"));
    text(tags::MODALITY, VR::CS, "OT".into());
    text(tags::PATIENT_NAME, VR::PN, format!("DOE^JOHN{study}"));
    text(tags::PATIENT_ID, VR::LO, format!("P{study}"));
    text(tags::STUDY_INSTANCE_UID, VR::UI, format!("2.25.7.{study}"));
    text(tags::SERIES_INSTANCE_UID, VR::UI, format!("2.25.7.{study}.{series}"));
    text(tags::SERIES_NUMBER, VR::IS, series.to_string());
    text(tags::INSTANCE_NUMBER, VR::IS, number.to_string());
    text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2".into());
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, 4),
        (tags::COLUMNS, 4),
        (tags::BITS_ALLOCATED, 8),
        (tags::BITS_STORED, 8),
        (tags::HIGH_BIT, 7),
        (tags::PIXEL_REPRESENTATION, 0_u16),
    ] {
        put_value(&mut set, tag, VR::US, value);
    }
    let pixels = vec![u8::try_from(number % 256).expect("fits"); 16];
    put_value(&mut set, tags::PIXEL_DATA, VR::OB, PrimitiveValue::from(pixels));
    set
}

/// A body of parts of a media type.
pub(super) fn body<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (head, content) in parts {
        out.extend_from_slice(format!("\r\n--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        out.extend_from_slice(content);
    }
    out.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    out
}

/// The field that goes with [`body`].
pub(super) fn content_type(root: &str) -> String {
    format!("multipart/related; type=\"{root}\"; boundary=\"{BOUNDARY}\"")
}

/// Sends files in one request to `path`.
pub(super) async fn stow_to(client: &Client, path: &str, files: &[Vec<u8>]) -> Answer {
    let parts = files.iter().map(|file| ("Content-Type: application/dicom", file.as_slice()));
    client.send("POST", path, &[("Content-Type", &content_type(DICOM))], &body(parts)).await
}

pub(super) async fn stow(client: &Client, files: &[Vec<u8>]) -> Answer {
    stow_to(client, "/dicom-web/studies", files).await
}

pub(super) async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.send("GET", path, headers, b"").await
}

/// Someone who stores, reads and deletes.
pub(super) async fn integrator(gateway: &TestGateway) -> Client {
    gateway.role(Role::Integrator).await
}

/// The parts of an answer: the head of each in lower case names, and its content.
#[track_caller]
pub(super) fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let kind = answer.must("content-type");
    let (_, boundary) = kind.split_once("boundary=").expect("has a boundary");
    let delimiter = format!("--{boundary}");
    let mut found = Vec::new();
    let mut rest = answer.body.as_slice();
    assert!(rest.starts_with(delimiter.as_bytes()), "begins with its delimiter");
    rest = &rest[delimiter.len()..];
    loop {
        if rest.starts_with(b"--\r\n") {
            return found;
        }
        rest = rest.strip_prefix(b"\r\n").expect("a line end behind the delimiter");
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 4..];
        let needle = format!("\r\n{delimiter}");
        let end = rest.windows(needle.len()).position(|window| window == needle.as_bytes()).expect("an end");
        found.push((head, rest[..end].to_vec()));
        rest = &rest[end + needle.len()..];
    }
}

/// A field of the head of a part.
pub(super) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").filter_map(|line| line.split_once(": ")).find(|(each, _)| *each == name).map(|(_, value)| value)
}

/// The first value of an attribute.
pub(super) fn value<'a>(object: &'a Value, tag: &str) -> &'a Value {
    &object[tag]["Value"][0]
}

/// The reasons of failures of a store: those with names, and those without.
pub(super) fn reasons(answer: &Answer) -> (Vec<u64>, Vec<u64>) {
    let json = answer.json();
    let of = |sequence: &str| {
        let items = json[sequence]["Value"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| value(item, "00081197").as_u64().expect("a reason")).collect()
    };
    (of("00081198"), of("0008119A"))
}

/// How many instances a store has kept.
pub(super) fn kept(answer: &Answer) -> usize {
    answer.json()["00081199"]["Value"].as_array().map_or(0, Vec::len)
}

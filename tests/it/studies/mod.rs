//! The archive behind the edges: instances come in, are found, read and deleted.

#[cfg(test)]
mod behind;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod deleting;
#[cfg(test)]
mod duplicates;
#[cfg(test)]
mod finding;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod imaging_study;
#[cfg(test)]
mod storing;
#[cfg(test)]
mod tenants;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use causeway::access::{Actor, Role};
use causeway::app::Services;
use causeway::base::{TenantId, Uid};
use causeway::dicom::query::StudyScope;
use causeway::ops::Ops;
use causeway::ops::studies::{Framing, HeldInstance, Received, Source};
use futures_util::TryStreamExt as _;

/// Someone who may do everything with studies.
fn archivist() -> Actor {
    archivist_of(&TenantId::default_tenant())
}

fn archivist_of(tenant: &TenantId) -> Actor {
    Services::command_actor(tenant, &[Role::Radiologist, Role::Integrator])
}

/// A file of `fixtures/dicom`.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).expect("is there")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom")
}

/// The files of a folder of `fixtures/dicom`, by their names.
fn folder(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(fixtures().join(name))
        .expect("is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dcm"));
    files.sort();
    let read = |path: PathBuf| {
        let name = format!("{name}/{}", path.file_name().expect("has a name").to_string_lossy());
        (name, std::fs::read(path).expect("is there"))
    };
    files.into_iter().map(read).collect()
}

/// Stores a Part 10 file that comes in pieces.
async fn store(ops: &Ops, actor: &Actor, file: &[u8]) -> Received {
    let mut incoming = ops.receive_instance(actor, &Source::default(), Framing::Part10, None).await.expect("may store");
    for piece in file.chunks(3000) {
        incoming.write(Bytes::copy_from_slice(piece)).await.expect("is taken");
    }
    incoming.finish().await.expect("is answered")
}

/// Stores files that are all taken.
async fn store_all(ops: &Ops, actor: &Actor, files: &[(String, Vec<u8>)]) {
    for (name, file) in files {
        let received = store(ops, actor, file).await;
        assert!(received.status.class().is_kept(), "{name}: {} {:?}", received.status, received.comment);
    }
}

/// The stored file of an instance.
async fn read(ops: &Ops, actor: &Actor, held: &HeldInstance) -> Vec<u8> {
    let blob = ops.open_instance(actor, held, None).await.expect("opens");
    let pieces: Vec<Bytes> = blob.body.try_collect().await.expect("is whole");
    pieces.concat()
}

/// The metadata of a scope.
async fn metadata(ops: &Ops, actor: &Actor, scope: &StudyScope) -> serde_json::Value {
    let metadata = ops.study_metadata(actor, scope).await.expect("is there");
    let pieces: Vec<Bytes> = metadata.body("http://x/dicom-web").try_collect().await.expect("is whole");
    serde_json::from_slice(&pieces.concat()).expect("is JSON")
}

fn scope_of(received: &Received) -> StudyScope {
    StudyScope {
        study: received.study_instance_uid.clone().expect("was read"),
        series: received.series_instance_uid.clone(),
        instance: received.sop_instance_uid.clone(),
    }
}

/// Where the data set of a Part 10 file begins.
fn data_set(file: &[u8]) -> &[u8] {
    let mut reader = causeway::dicom::header::MetaReader::default();
    let (_, rest) = reader.write(file).expect("is readable").expect("is whole");
    &file[file.len() - rest.len()..]
}

/// `file` with one UID in the place of another one of the same length.
fn with_uid(file: &[u8], old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut out = file.to_vec();
    let mut at = 0;
    while let Some(found) = out[at..].windows(old.len()).position(|window| window == old.as_bytes()) {
        out[at + found..at + found + old.len()].copy_from_slice(new.as_bytes());
        at += found + old.len();
    }
    out
}

/// A small instance that is made for a test.
#[derive(Clone)]
struct Made {
    study: String,
    series: String,
    instance: String,
    texts: Vec<(u16, u16, [u8; 2], String)>,
    pixels: usize,
}

impl Made {
    fn new(study: &str, series: &str, instance: &str) -> Self {
        Self { study: study.into(), series: series.into(), instance: instance.into(), texts: Vec::new(), pixels: 64 }
    }

    fn with(mut self, group: u16, element: u16, vr: [u8; 2], text: &str) -> Self {
        self.texts.push((group, element, vr, text.into()));
        self
    }

    fn pixels(mut self, bytes: usize) -> Self {
        self.pixels = bytes;
        self
    }

    /// As a Part 10 file in Explicit VR Little Endian, its text in UTF-8.
    fn file(&self) -> Vec<u8> {
        let class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").expect("valid");
        let instance = Uid::parse(&self.instance).expect("valid");
        let meta = causeway::dicom::header::NewMeta {
            sop_class_uid: &class,
            sop_instance_uid: &instance,
            transfer_syntax_uid: "1.2.840.10008.1.2.1",
            source: None,
            sending: None,
            receiving: None,
        };
        let mut elements = self.texts.clone();
        elements.push((8, 5, *b"CS", "ISO_IR 192".into()));
        elements.push((8, 0x16, *b"UI", class.as_str().into()));
        elements.push((8, 0x18, *b"UI", self.instance.clone()));
        elements.push((0x20, 0x0d, *b"UI", self.study.clone()));
        elements.push((0x20, 0x0e, *b"UI", self.series.clone()));
        elements.sort();
        let mut out = meta.to_bytes();
        for (group, element, vr, text) in elements {
            let mut value = text.into_bytes();
            if value.len() % 2 == 1 {
                value.push(if &vr == b"UI" { 0 } else { b' ' });
            }
            out.extend_from_slice(&group.to_le_bytes());
            out.extend_from_slice(&element.to_le_bytes());
            out.extend_from_slice(&vr);
            out.extend_from_slice(&u16::try_from(value.len()).expect("is short").to_le_bytes());
            out.extend_from_slice(&value);
        }
        out.extend_from_slice(&[0xe0, 0x7f, 0x10, 0, b'O', b'W', 0, 0]);
        out.extend_from_slice(&u32::try_from(self.pixels).expect("is short").to_le_bytes());
        out.extend((0..self.pixels).map(|at| u8::try_from(at % 251).expect("is small")));
        out
    }
}

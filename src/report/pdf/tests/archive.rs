//! What makes the file an archive document, and the same on every machine.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object};

use super::super::xmp::identifier_of;
use super::super::{Embedded, Relationship};
use super::scene::Scene;
use crate::base::VersionId;
use crate::report::sample::sample;

fn document(scene: &Scene) -> Document {
    let file = Embedded {
        name: "report.json",
        media_type: "application/fhir+json",
        bytes: b"{}",
        description: "bundle",
        relationship: Relationship::Alternative,
    };
    Document::load_mem(&scene.try_render(&[file]).expect("renders").bytes).expect("a PDF")
}

fn dictionary<'a>(document: &'a Document, parent: &'a Dictionary, key: &str) -> &'a Dictionary {
    parent.get_deref(key.as_bytes(), document).and_then(Object::as_dict).expect("a dictionary")
}

#[test]
fn the_same_version_gives_the_same_bytes() {
    let mut scene = Scene::chest();
    let first = scene.render().bytes;
    assert_eq!(first, scene.render().bytes);
    scene.edition.version = VersionId::parse("2").expect("a version");
    assert_ne!(first, scene.render().bytes);
}

#[test]
fn metadata_and_information_agree() {
    let document = document(&Scene::chest());
    let catalog = document.catalog().expect("a catalog");
    let packet = catalog.get_deref(b"Metadata", &document).and_then(Object::as_stream).expect("a packet");
    let packet = String::from_utf8(packet.content.clone()).expect("not compressed");
    assert!(packet.contains("<pdfaid:part>3</pdfaid:part>"));
    assert!(packet.contains("<pdfaid:conformance>B</pdfaid:conformance>"));
    assert!(packet.contains("<xmp:CreateDate>2026-02-03T04:05:06+00:00</xmp:CreateDate>"));
    assert_eq!(identifier_of(&packet), Some(format!("sha256:{}", Scene::digest()).as_str()));
    let info = dictionary(&document, &document.trailer, "Info");
    let date = info.get(b"ModDate").and_then(Object::as_str).expect("a date");
    assert_eq!(date, b"D:20260203040506+00'00'");
    assert_eq!(catalog.get(b"Lang").and_then(Object::as_str).ok(), Some(b"en".as_slice()));
    let patient = &Scene::chest().report.patient;
    assert!(!packet.contains(&patient.name.family) && !packet.contains(&patient.id));
}

#[test]
fn attachments_are_associated_with_the_document() {
    let document = document(&Scene::chest());
    let catalog = document.catalog().expect("a catalog");
    let files = catalog.get(b"AF").and_then(Object::as_array).expect("associated files");
    let file = document.dereference(&files[0]).expect("a file").1.as_dict().expect("a specification");
    assert_eq!(file.get(b"AFRelationship").and_then(Object::as_name).ok(), Some(b"Alternative".as_slice()));
    let stream = dictionary(&document, file, "EF").get_deref(b"F", &document).and_then(Object::as_stream);
    let stream = stream.expect("a file");
    assert_eq!(stream.dict.get(b"Subtype").and_then(Object::as_name).ok(), Some(b"application/fhir+json".as_slice()));
    let size = dictionary(&document, &stream.dict, "Params").get(b"Size").and_then(Object::as_i64);
    assert_eq!(size.ok(), Some(2));
}

#[test]
fn every_font_is_embedded_as_a_subset_with_the_widths_of_its_glyphs() {
    let document = document(&Scene::of(include_bytes!("../../../../fixtures/report/mg-diagnostic-arabic-final.json")));
    let mut names = BTreeSet::new();
    for object in document.objects.values().filter_map(|object| object.as_dict().ok()) {
        if !object.has_type(b"Font") || !object.has(b"W") {
            continue;
        }
        let descriptor = dictionary(&document, object, "FontDescriptor");
        let program = descriptor.get_deref(b"FontFile2", &document).and_then(Object::as_stream).expect("a program");
        let program = program.get_plain_content().expect("content");
        assert!(program.len() < 100_000, "a subset, not the font");
        let face = rustybuzz::ttf_parser::Face::parse(&program, 0).expect("a font");
        let map = object.get_deref(b"CIDToGIDMap", &document).and_then(Object::as_stream).expect("a map");
        let map = map.get_plain_content().expect("content");
        let widths = object.get(b"W").and_then(Object::as_array).expect("widths")[1].as_array().expect("widths");
        assert_eq!(map.len(), 2 * (widths.len() + 1));
        for (code, width) in (1..).zip(widths) {
            let glyph = u16::from_be_bytes([map[2 * code], map[2 * code + 1]]);
            let advance = face.glyph_hor_advance(rustybuzz::ttf_parser::GlyphId(glyph)).expect("a glyph");
            let exact = f32::from(advance) * 1000.0 / f32::from(face.units_per_em());
            assert!((exact - width.as_float().expect("a number")).abs() <= 0.5);
        }
        names.insert(
            String::from_utf8_lossy(object.get(b"BaseFont").and_then(Object::as_name).expect("a name")).into_owned(),
        );
    }
    assert!(names.iter().any(|name| name.ends_with("+NotoNaskhArabic-Regular")), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("+NotoSans-Bold")), "{names:?}");
    assert!(names.iter().all(|name| name.as_bytes()[6] == b'+'));
}

#[test]
fn reports_that_nobody_wrote_have_all_their_glyphs() {
    for index in 0..6 {
        let mut scene = Scene::chest();
        scene.report = sample(11, index);
        if !scene.report.status.is_verified() {
            scene.edition.verified_at = None;
        }
        scene.try_render_strict().expect("every character has a glyph");
    }
}

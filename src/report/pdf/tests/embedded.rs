//! Reading back what a PDF carries, also from PDFs that mean ill.

use lopdf::{Document, Object, dictionary};
use proptest::prelude::*;

use super::super::{Embedded, PdfError, Relationship, content_digest, embedded_files};
use super::scene::Scene;

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> Embedded<'a> {
    let relationship = Relationship::Alternative;
    Embedded { name, media_type: "application/octet-stream", bytes, description: "a file", relationship }
}

fn small_pdf() -> Vec<u8> {
    Scene::with_findings("Normal.").try_render(&[file("a.json", b"{}")]).expect("renders").bytes
}

#[test]
fn files_and_digest_come_back() {
    let large: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let files = [file("b.dcm", &large), file("a.json", b"{}"), file("ü.bin", b"")];
    let pdf = Scene::chest().try_render(&files).expect("renders").bytes;
    let found = embedded_files(&pdf).expect("readable");
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a.json", "b.dcm", "ü.bin"]);
    assert_eq!(found[0].1, b"{}");
    assert_eq!(found[1].1, large);
    assert_eq!(content_digest(&pdf), Some(Scene::digest()));
    assert!(embedded_files(&Scene::chest().render().bytes).expect("readable").is_empty());
}

#[test]
fn two_files_of_one_name_are_an_error() {
    let error = Scene::chest().try_render(&[file("a", b"1"), file("a", b"2")]).expect_err("one name");
    assert!(matches!(error, PdfError::DuplicateAttachment(name) if name == "a"));
}

#[test]
fn what_is_no_pdf_has_no_files() {
    for bytes in [b"".as_slice(), b"%PDF-1.7", b"{}", &[0; 1000]] {
        assert!(embedded_files(bytes).is_err());
        assert_eq!(content_digest(bytes), None);
    }
}

#[test]
fn a_name_tree_that_leads_back_to_itself_ends() {
    let mut document = Document::load_mem(&small_pdf()).expect("a PDF");
    let node = document.new_object_id();
    let kids = vec![Object::Reference(node); 50];
    document.objects.insert(node, dictionary! { "Kids" => kids }.into());
    document.catalog_mut().expect("a catalog").set("Names", dictionary! { "EmbeddedFiles" => node });
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("saves");
    assert!(embedded_files(&bytes).expect("readable").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damage_is_an_error_and_not_a_crash(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        thread_local! {
            static PDF: Vec<u8> = small_pdf();
        }
        let mut pdf = PDF.with(Clone::clone);
        for (place, byte) in places {
            let place = place.index(pdf.len());
            pdf[place] = byte;
        }
        let _ = (embedded_files(&pdf), content_digest(&pdf));
        pdf.truncate(cut.index(pdf.len()));
        let _ = (embedded_files(&pdf), content_digest(&pdf));
    }
}

//! Pages: feet, watermarks, tables over pages, images, letterheads.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbaImage};

use super::super::{ImageProblem, PdfError};
use super::scene::{Scene, pages};
use crate::base::Decimal;
use crate::report::edition::KeyImagePixels;
use crate::report::{PageSize, ReportStatus};

fn encoded(format: ImageFormat) -> Vec<u8> {
    let image = DynamicImage::from(RgbaImage::from_pixel(40, 30, image::Rgba([200, 20, 20, 128])));
    let image = if format == ImageFormat::Jpeg { DynamicImage::from(image.to_rgb8()) } else { image };
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

#[test]
fn every_page_says_which_page_of_which_version_it_is() {
    let scene = Scene::of(include_bytes!("../../../../fixtures/report/ct-staging-twelve-pages-final.json"));
    let pages = scene.pages();
    assert!(pages.len() >= 10, "{}", pages.len());
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())));
        assert!(page.iter().any(|line| line.contains(scene.report.id.as_str()) && line.contains("version 1")));
        assert!(page.iter().any(|line| line.contains(&Scene::digest().to_string())));
        assert!(page.iter().any(|line| line.contains(&scene.report.patient.id)), "page {index}");
    }
}

#[test]
fn unfinished_and_void_reports_say_so_on_every_page() {
    let across = |scene: &Scene| {
        let bytes = scene.render().bytes;
        let document = lopdf::Document::load_mem(&bytes).expect("a PDF");
        let count = document
            .page_iter()
            .filter(|page| {
                let content = document.get_page_content(*page);
                String::from_utf8_lossy(&content).contains("/Watermark Do")
            })
            .count();
        assert!(count == 0 || count == pages(&bytes).len());
        (count > 0, pages(&bytes))
    };
    for (status, word) in [
        (ReportStatus::Draft, "PRELIMINARY"),
        (ReportStatus::Preliminary, "PRELIMINARY"),
        (ReportStatus::Cancelled, "CANCELLED"),
        (ReportStatus::EnteredInError, "ENTERED IN ERROR"),
    ] {
        let (is_marked, pages) = across(&Scene::chest().in_state(status));
        assert!(is_marked, "{status:?}");
        assert!(pages.iter().all(|page| page.iter().any(|line| line.contains(word))), "{status:?}");
        assert!(pages.concat().contains(&"Not verified".to_owned()));
    }
    for status in [ReportStatus::Final, ReportStatus::Corrected] {
        let (is_marked, pages) = across(&Scene::chest().in_state(status));
        assert!(!is_marked);
        assert!(pages.concat().iter().any(|line| line.starts_with("Electronically verified by")));
    }
}

#[test]
fn measurements_break_over_pages_under_a_repeated_head() {
    let scene = Scene::of(include_bytes!("../../../../fixtures/report/mr-brain-volumetry-200-final.json"));
    let pages = scene.pages();
    let values: Vec<String> = scene.report.measurements.iter().map(|it| it.value.to_string()).collect();
    let mut rest = values.iter().peekable();
    for page in &pages {
        let before = rest.len();
        for line in page {
            if rest.peek().is_some_and(|value| **value == *line) {
                rest.next();
            }
        }
        if rest.len() < before {
            assert!(page.contains(&"Value".to_owned()) && page.contains(&"Unit".to_owned()));
        }
    }
    assert_eq!(rest.count(), 0, "values in order, digit for digit");
}

#[test]
fn a_cell_taller_than_a_page_goes_on() {
    let mut scene = Scene::chest();
    let text = (0..900).map(|index| format!("word{index}")).collect::<Vec<_>>().join(" ");
    scene.report.structured_findings[0].text = text.clone();
    scene.report.measurements[0].value = Decimal::parse("1234567890123456789012345678.0123456789").expect("40 digits");
    let pages = scene.pages();
    assert!(pages.len() > 3);
    let all = pages.concat().join(" ");
    assert!((0..900).all(|index| all.contains(&format!("word{index}"))));
    assert!(all.replace(' ', "").contains("1234567890123456789012345678.0123456789"));
}

#[test]
fn page_sizes_are_those_asked_for() {
    for (size, width) in [(PageSize::A4, 595.28), (PageSize::Letter, 612.0)] {
        let mut scene = Scene::chest();
        scene.letterhead.page_size = size;
        let document = lopdf::Document::load_mem(&scene.render().bytes).expect("a PDF");
        let page = document.page_iter().next().and_then(|page| document.get_dictionary(page).ok()).expect("a page");
        let found = page.get(b"MediaBox").and_then(lopdf::Object::as_array).expect("a box")[2].as_float();
        assert!((found.expect("a number") - width).abs() < 0.01);
    }
}

#[test]
fn a_logo_that_is_not_an_image_is_an_error() {
    let mut scene = Scene::chest();
    let mut broken = encoded(ImageFormat::Png);
    broken.truncate(60);
    let mut huge = encoded(ImageFormat::Png);
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    for (logo, problem) in [
        (b"%PDF-1.7".to_vec(), Some(ImageProblem::Format)),
        (Vec::new(), Some(ImageProblem::Format)),
        (broken, Some(ImageProblem::Damaged)),
        (huge, None),
    ] {
        scene.letterhead.logo = Some(logo);
        let error = scene.try_render(&[]).expect_err("not an image");
        let PdfError::Logo(found) = error else { panic!("{error}") };
        assert!(problem.is_none_or(|problem| problem == found), "{found}");
    }
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        scene.letterhead.logo = Some(encoded(format));
        assert!(scene.try_render(&[]).is_ok());
    }
}

#[test]
fn key_images_are_shown_or_missed_aloud() {
    let mut scene = Scene::chest();
    let count = scene.report.key_images.len();
    assert!(count >= 2);
    scene.images = vec![
        KeyImagePixels { index: 0, bytes: encoded(ImageFormat::Png) },
        KeyImagePixels { index: 1, bytes: b"GIF89a".to_vec() },
    ];
    let rendered = scene.render();
    let text = pages(&rendered.bytes).concat();
    assert!(text.contains(&"Image cannot be shown".to_owned()));
    let paths: Vec<&str> = rendered.losses.0.iter().map(|loss| loss.path.as_str()).collect();
    assert!(!paths.contains(&"keyImages[0]") && paths.contains(&"keyImages[1]"));
    // What the archive could not give is said once.
    scene.images.clear();
    scene.missing.add("keyImages[0]", "the archive did not answer");
    let rendered = scene.render();
    assert_eq!(rendered.losses.0.iter().filter(|loss| loss.path == "keyImages[0]").count(), 1);
    assert!(pages(&rendered.bytes).concat().contains(&"Image not available".to_owned()));
}

#[test]
fn a_bare_report_with_a_bare_letterhead_is_a_page() {
    let mut scene = Scene::with_findings("Normal.");
    scene.letterhead = crate::report::Letterhead::default();
    scene.report.order = None;
    scene.report.language = None;
    let pages = scene.pages();
    assert_eq!(pages.len(), 1);
    assert!(pages[0].contains(&"Normal.".to_owned()));
}

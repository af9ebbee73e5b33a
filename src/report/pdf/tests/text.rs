//! What is read from the page is what was written.

use proptest::prelude::*;

use super::super::PdfError;
use super::super::shape::Shaper;
use super::super::style::Style;
use super::scene::Scene;

/// The lines that the section of a report is set in.
fn set(text: &str) -> Vec<String> {
    let page = Scene::with_findings(text).pages().remove(0);
    let from = page.iter().position(|line| line == "Findings").expect("a heading") + 1;
    let to = page.iter().position(|line| line.starts_with("Electronically verified")).expect("an end");
    page[from..to].to_vec()
}

#[test]
fn text_reads_back_in_every_script() {
    for text in [
        "Nodule 18.50 × 14.25 mm (previously 12 × 10 mm); ≥ 4 mm, ±0.5 µm → follow-up.",
        "Όζος στον δεξιό άνω λοβό 18,5 mm. Ἀρχὴ ᾧ",
        "Очаг в верхней доле правого лёгкого 18,5 мм",
        "Nốt đặc ở thùy trên phổi phải, fi ffl Ümläut",
        "x̂ q̃ ẹ́ a̱ o̰ m̐ ṃ̇ ɔ̃́",
        "右肺上葉に径18.50mmの棘状結節。山田太郎 やまだ 髙﨑 ① ㎜",
        "右肺上叶见毛刺状结节，㐀㑹",
        "우상엽에 18.50 mm 크기의 침상 결절이 있으며",
        "दाहिने ऊपरी लोब में ठोस नोड्यूल। क्षत्रिय र्कि",
        "พบก้อนที่ปอดกลีบบนขวา น้ำ",
        "ফুসফুসে কর্কট நுரையீரல் கொ క్షే ಕನ್ನಡ മലയാളം ગુજરાતી ਪੰਜਾਬੀ",
        "සිංහල ខ្មែរ ລາວ မြန်မာ አማርኛ Հայերեն ქართული",
    ] {
        assert_eq!(set(text), [text]);
    }
}

#[test]
fn from_right_to_left_glyphs_stand_in_visual_order_one_for_each_character() {
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    for word in ["الأيمن", "ملاصقة", "عبدالله", "سابقًا", "גוש", "שָׁלוֹם"] {
        assert_eq!(set(word), [reversed(word)]);
    }
    assert_eq!(set("קוטר 12.5 mm"), [format!("mm 12.5 {}", reversed("קוטר"))]);
}

#[test]
fn invisible_characters_read_back_too() {
    assert_eq!(set("co\u{ad}operate zero\u{200b}width a\u{2060}b"), ["co\u{ad}operate zero\u{200b}width a\u{2060}b"]);
    assert_eq!(set("می\u{200c}خواهم").concat().chars().count(), 8);
}

#[test]
fn line_ends_spaces_and_empty_lines_are_kept() {
    assert_eq!(set("one\n\n  two  three\nfour"), ["one", "  two  three", "four"]);
    assert_eq!(set("a\tb\u{2028}c"), ["a    b", "c"]);
}

#[test]
fn a_character_without_a_glyph_is_named_and_never_a_box() {
    let scene = Scene::with_findings("before \u{1f600} after");
    let error = scene.try_render_strict().expect_err("no glyph");
    let PdfError::MissingGlyph { path, character } = error else { panic!("{error}") };
    assert_eq!((path.as_str(), character), ("sections.findings", '\u{1f600}'));
    let losses = scene.render().losses;
    assert_eq!(losses.0.len(), 1);
    assert_eq!(losses.0[0].path, "sections.findings");
    assert_eq!(losses.0[0].detail, "no font has U+1F600; numbers are printed in their place");
    assert_eq!(set("before \u{1f600} after"), ["before \u{1f600} after"]);
}

#[test]
fn everything_that_a_report_says_is_printed() {
    let scene = Scene::chest();
    let text = scene.pages().concat().join("\n");
    let report = &scene.report;
    let mut wanted = vec![
        report.patient.id.clone(),
        report.patient.name.to_display(),
        report.study.study_instance_uid.to_string(),
        report.code.display.clone(),
        report.code.code.clone(),
        report.author.name.to_display(),
        "Page 1 of ".to_owned(),
        format!("Content SHA-256 {}", Scene::digest()),
        format!("Report {}  ·  version 1  ·  FINAL", report.id),
        "2026-02-03 04:05:06 UTC".to_owned(),
    ];
    wanted.extend(report.measurements.iter().map(|measurement| measurement.value.to_string()));
    wanted.extend(report.structured_findings.iter().map(|finding| format!("ID {}", finding.id)));
    wanted.extend(report.referenced_images().iter().map(|image| image.sop_instance_uid.to_string()));
    for value in wanted {
        assert!(text.contains(&value), "{value}\n{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_covered_by_its_clusters_and_lines(text in "[^\\p{Cc}\\u{2028}\\u{2029}]{0,60}", width in 1.0_f32..300.0) {
        let mut shaper = Shaper::new(Some("en"), false);
        let paragraph = shaper.shape("test", &text, Style::BODY).expect("shapes");
        let mut end = 0;
        for cluster in &paragraph.clusters {
            prop_assert_eq!(cluster.text.start, end);
            prop_assert!(!cluster.glyphs.is_empty());
            end = cluster.text.end;
        }
        prop_assert!(end == text.len() || paragraph.clusters.is_empty());
        let mut next = 0;
        for line in paragraph.wrap(width) {
            let between = &paragraph.clusters[next..line.clusters.start.max(next)];
            prop_assert!(between.iter().all(|cluster| cluster.is_space));
            prop_assert_eq!(paragraph.visual(&line).len(), line.clusters.len());
            next = line.clusters.end;
        }
        prop_assert!(paragraph.clusters[next..].iter().all(|cluster| cluster.is_space));
    }
}

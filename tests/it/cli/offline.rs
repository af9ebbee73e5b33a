//! `report render`, `verify` and `seed`: files in, files out, no server and no configuration.

use std::path::Path;

use super::{alone, document};
use crate::support::printed;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/report");
const FORMATS: [&str; 6] = ["fhir", "sr", "pdf", "txt", "dicom-pdf", "dicom-ko"];
/// Forms that a program can read back.
const TWINS: [&str; 4] = ["fhir", "sr", "pdf", "dicom-pdf"];

/// Renders a report of the fixtures into the folder.
fn render(folder: &tempfile::TempDir, report: &str, format: &str) -> Vec<u8> {
    let file = format!("{FIXTURES}/{report}.json");
    let target = format!("{report}.{format}");
    let arguments = ["report", "render", &file, "--format", format, "--out", &target];
    assert_eq!(printed(&arguments, alone(folder, &arguments)), "", "the file is all there is");
    std::fs::read(folder.path().join(target)).expect("was written")
}

fn verify(folder: &tempfile::TempDir, files: &[&str]) -> (bool, String) {
    let output = alone(folder, &[&["verify"], files].concat());
    (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
}

fn change(path: &Path, from: &str, to: &str) {
    let bytes = std::fs::read(path).expect("is read");
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("{from} is not in {}", path.display()));
    assert_eq!(from.len(), to.len());
    let changed = [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat();
    std::fs::write(path, changed).expect("is written");
}

#[test]
fn a_report_file_is_rendered_in_each_form_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for format in FORMATS {
        let first = render(&folder, "ct-chest-nodule-final", format);
        let file = format!("{FIXTURES}/ct-chest-nodule-final.json");
        let second = alone(&folder, &["report", "render", &file, "--format", format]).stdout;
        assert!(first == second, "{format}: twice is not the same");
        let (start, at) = match format {
            "fhir" => ("{", 0),
            "pdf" => ("%PDF-", 0),
            "txt" => ("", 0),
            _ => ("DICM", 128),
        };
        assert!(first[at..].starts_with(start.as_bytes()) && first.len() > 500, "{format}");
    }
}

#[test]
fn twins_agree_until_one_is_touched() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for report in ["ct-chest-nodule-final", "us-thyroid-korean-final", "mg-screening-corrected"] {
        let files = TWINS.map(|format| {
            render(&folder, report, format);
            format!("{report}.{format}")
        });
        let files = files.each_ref().map(String::as_str);
        let (good, text) = verify(&folder, &files);
        assert!(good && text.matches("ok ").count() == TWINS.len(), "{text}");
        let digests: Vec<&str> = text.lines().filter_map(|line| line.split("sha256:").nth(1)).collect();
        assert!(digests.len() == TWINS.len() && digests.iter().all(|digest| *digest == digests[0]), "{text}");
        let json = alone(&folder, &[&["verify", "--json"], &files[..]].concat());
        assert_eq!(document(&String::from_utf8_lossy(&json.stdout))["good"], true);
    }
    // One digit of one twin. What an SR says is less than what its digest is of: it is held to its twins.
    let of = |form: &str| format!("ct-chest-nodule-final.{form}");
    for (twin, from, to, alone) in [("fhir", "\"value\":16.2", "\"value\":16.3", true), ("sr", "16.2", "16.3", false)] {
        let kept = std::fs::read(folder.path().join(of(twin))).expect("is read");
        change(&folder.path().join(of(twin)), from, to);
        if alone {
            let (good, text) = verify(&folder, &[&of(twin)]);
            assert!(!good && text.starts_with("FAILED  "), "{text}");
        }
        for other in TWINS.into_iter().filter(|other| *other != twin) {
            let (good, text) = verify(&folder, &[&of(other), &of(twin)]);
            assert!(!good && text.contains(&format!("FAILED  {}", of(twin))), "{text}");
            assert!(text.contains(&format!("ok      {}", of(other))), "{text}");
        }
        std::fs::write(folder.path().join(of(twin)), kept).expect("is written");
    }
    // A file of another report among them, and files that are no twins.
    let (good, text) = verify(&folder, &["ct-chest-nodule-final.fhir", "us-thyroid-korean-final.pdf"]);
    assert!(!good && text.contains("FAILED  us-thyroid-korean-final.pdf"), "{text}");
    std::fs::write(folder.path().join("note.txt"), "not a report").expect("is written");
    for name in ["note.txt", "absent.pdf"] {
        let (good, text) = verify(&folder, &["ct-chest-nodule-final.fhir", name]);
        assert!(!good && text.contains(&format!("FAILED  {name}")), "{text}");
    }
    let json = alone(&folder, &["verify", "--json", "note.txt"]);
    assert_eq!(document(&String::from_utf8_lossy(&json.stdout))["good"], false);
    assert_eq!(json.status.code(), Some(1));
}

#[test]
fn a_touched_pdf_is_noticed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let name = "ct-chest-nodule-final.pdf";
    let whole = render(&folder, "ct-chest-nodule-final", "pdf");
    render(&folder, "ct-chest-nodule-final", "fhir");
    // The digest in its metadata, and its end.
    let at = whole.windows(7).position(|window| window == b"sha256:").expect("claims a digest") + 7;
    let mut forged = whole.clone();
    forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
    for bytes in [forged, whole[..whole.len() / 2].to_vec()] {
        std::fs::write(folder.path().join(name), bytes).expect("is written");
        let (good, text) = verify(&folder, &[name, "ct-chest-nodule-final.fhir"]);
        assert!(!good && text.contains(&format!("FAILED  {name}")), "{text}");
    }
}

#[test]
fn what_cannot_be_rendered_says_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("bad.json"), r#"{"status": "final", "sections": 5}"#).expect("is written");
    let short = format!("{FIXTURES}/dx-chest-normal-final.json");
    for (arguments, reason) in [
        (&["report", "render", "absent.json", "--format", "pdf"][..], "absent.json cannot be read"),
        (&["report", "render", "bad.json", "--format", "pdf"], "sections"),
        (&["report", "render", &short, "--format", "docx"], "fhir, sr, pdf, txt, dicom-pdf or dicom-ko"),
        (&["report", "render", &short, "--format", "dicom-ko"], "no rendition in this form"),
        (&["report", "render", &short, "--format", "pdf", "--recorded", "noon"], "--recorded"),
        (&["report", "render", &short, "--format", "pdf", "--page-size", "a5"], "a4 or letter"),
        (&["report", "render", &short, "--format", "pdf", "--out", "no/such/folder"], "cannot be written"),
    ] {
        let output = alone(&folder, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(reason) && output.stdout.is_empty(), "{arguments:?}: {said}");
    }
}

#[test]
fn the_same_seed_gives_the_same_reports() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for out in ["one", "two"] {
        let arguments = ["seed", "--reports", "5", "--seed", "7", "--out", out];
        assert_eq!(printed(&arguments, alone(&folder, &arguments)), format!("5 reports in {out}\n"));
    }
    for index in 0..5 {
        let read =
            |out: &str| std::fs::read(folder.path().join(format!("{out}/report-{index:04}.json"))).expect("is there");
        assert!(read("one") == read("two"), "report {index}");
    }
    let arguments = ["report", "render", "one/report-0000.json", "--format", "txt"];
    assert!(printed(&arguments, alone(&folder, &arguments)).len() > 200);
}

use std::collections::BTreeSet;

use dicom_dictionary_std::tags;

use super::sections::{CREATED, KEYS, TRANSFER_SYNTAXES};
use super::*;
use crate::dicom::query::{Key, Level};
use crate::dicom::transfer_syntax::Encoding;

fn statement() -> Statement {
    let returned = [(Level::Study, vec![tags::PATIENT_NAME])];
    Statement {
        title: "A <statement> | of *stars*".to_owned(),
        version: "1".to_owned(),
        sections: vec![
            introduction(),
            Section::new("Values").section(queries(&returned)).section(transformations()),
            character_sets(),
            created(),
        ],
    }
}

#[test]
fn each_transfer_syntax_that_is_kept_stands_there_once_and_no_other() {
    let statement = statement();
    let listed: Vec<String> = statement.rows(TRANSFER_SYNTAXES).iter().map(|row| row[1].clone()).collect();
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(distinct, Encoding::all().collect());
    assert_eq!(distinct.len(), listed.len());
    let decoded = statement.rows(TRANSFER_SYNTAXES);
    let row = |uid: &str| decoded.iter().find(|row| row[1] == uid).expect("is listed").to_vec();
    assert_eq!(row("1.2.840.10008.1.2.4.102")[4..], ["no".to_owned(), String::new()]);
    assert!(row("1.2.840.10008.1.2.5")[5].contains("1.2.840.10008.1.2.1"));
    // JPEG Baseline would lose a second time.
    assert!(!row("1.2.840.10008.1.2.4.91")[5].contains("4.50"));
}

#[test]
fn all_keys_and_objects_are_listed() {
    assert_eq!(statement().rows(KEYS).len(), Key::ALL.len());
    assert_eq!(statement().rows(CREATED).len(), 4);
}

#[test]
fn each_form_numbers_sections_and_escapes_what_means_something() {
    let statement = statement();
    let (page, text) = (statement.to_html(), statement.to_markdown());
    assert!(page.contains("<h1>A &lt;statement&gt; | of *stars*</h1>"));
    assert!(page.contains("<h3 id=\"s2.2\">2.2 Transfer syntaxes</h3>"));
    assert!(text.starts_with("# A \\<statement> \\| of \\*stars\\*\n"));
    assert!(text.contains("\n### 2.1 Attributes of queries\n"));
    for line in text.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with(" |"), "{line}");
    }
    roxmltree::Document::parse(
        page.trim_start_matches("<!DOCTYPE html>\n")
            .replace("<meta charset=\"utf-8\">", "")
            .replace("<br>", "")
            .as_str(),
    )
    .expect("is well formed");
    let json = serde_json::to_value(&statement).expect("is JSON");
    assert_eq!(json["sections"][0]["blocks"][1]["table"]["rows"][0][0], "Implementation Class UID");
}

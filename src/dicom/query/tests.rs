//! Matching and the reading of identifiers.

use std::collections::BTreeSet;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::super::element::{self, DataSet};
use super::*;

fn study() -> DataSet {
    let mut set = DataSet::new_empty();
    for (tag, vr, text) in [
        (tags::PATIENT_NAME, VR::PN, "Müller^Jörg^^^=山田^太郎=やまだ^たろう"),
        (tags::PATIENT_ID, VR::LO, "P-1"),
        (tags::STUDY_DATE, VR::DA, "20260203"),
        (tags::STUDY_TIME, VR::TM, "1015"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
        (tags::ACCESSION_NUMBER, VR::SH, "A[1]%_"),
        (tags::SERIES_NUMBER, VR::IS, "07"),
    ] {
        element::put_text(&mut set, tag, vr, text);
    }
    set
}

fn found(query: &Query) -> bool {
    let modalities: BTreeSet<String> = ["CT", "SR"].map(str::to_owned).into();
    matches(query, Found { attributes: &study(), modalities: &modalities })
}

fn asked(tag: Tag, text: &str) -> bool {
    let matching = Key::of_path(&[tag]).expect("is a key").matching(text).expect("is a value");
    found(&Query::all(Level::Series, 1).with(&[tag], matching))
}

#[test]
fn names_match_in_any_group_whatever_their_case_and_end() {
    for wanted in
        ["müller^jörg", "MÜLLER^JÖRG^^", "Mü*", "*jörg", "山田*", "やまだ^たろう", "müll?r^*", "müller*=山田^太郎"]
    {
        assert!(asked(tags::PATIENT_NAME, wanted), "{wanted}");
    }
    for wanted in ["müller", "jörg", "山田", "mu*", "müller*=佐藤"] {
        assert!(!asked(tags::PATIENT_NAME, wanted), "{wanted}");
    }
    let fuzzy = |text: &str| {
        let matching = Key::of_path(&[tags::PATIENT_NAME]).expect("is a key").matching(text).expect("is a value");
        found(&Query { fuzzy: true, ..Query::all(Level::Study, 1).with(&[tags::PATIENT_NAME], matching) })
    };
    assert!(fuzzy("jorg mul") && fuzzy("MULLER^JORG") && !fuzzy("jorg meier"));
}

#[test]
fn other_texts_match_as_they_stand() {
    assert!(asked(tags::PATIENT_ID, "P-1") && !asked(tags::PATIENT_ID, "p-1"));
    assert!(asked(tags::PATIENT_ID, "P*") && asked(tags::PATIENT_ID, "P??") && !asked(tags::PATIENT_ID, "P?"));
    assert!(asked(tags::ACCESSION_NUMBER, "A[1]*") && asked(tags::ACCESSION_NUMBER, "*%_"));
    assert!(!asked(tags::ACCESSION_NUMBER, "A[1]%_?") && asked(tags::SERIES_NUMBER, "7"));
    assert!(asked(tags::MODALITIES_IN_STUDY, "SR") && asked(tags::MODALITIES_IN_STUDY, "MR\\CT"));
    assert!(!asked(tags::MODALITIES_IN_STUDY, "MR") && asked(tags::MODALITIES_IN_STUDY, "C*"));
    assert!(asked(tags::STUDY_INSTANCE_UID, "1.2.4\\1.2.3") && !asked(tags::STUDY_INSTANCE_UID, "1.2"));
    assert!(asked(tags::STUDY_DESCRIPTION, "") && asked(tags::STUDY_DESCRIPTION, "**"));
    assert!(!asked(tags::STUDY_DESCRIPTION, "x*"));
}

#[test]
fn dates_and_times_match_by_ranges() {
    for wanted in ["20260203", "2026.02.03", "20260203-", "-20260203", "20250101-20261231"] {
        assert!(asked(tags::STUDY_DATE, wanted), "{wanted}");
    }
    for wanted in ["20260204", "20260204-", "-20260202"] {
        assert!(!asked(tags::STUDY_DATE, wanted), "{wanted}");
    }
    for wanted in ["1015", "10", "101500", "1000-1015", "10-11", "-1015", "1015-"] {
        assert!(asked(tags::STUDY_TIME, wanted), "{wanted}");
    }
    for wanted in ["1016", "11", "1016-", "-1014"] {
        assert!(!asked(tags::STUDY_TIME, wanted), "{wanted}");
    }
    let key = Key::of_path(&[tags::STUDY_DATE]).expect("is a key");
    for wrong in ["2026-11-20", "yesterday", "20261301", "-", "2026*"] {
        assert!(key.matching(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_identifier_becomes_a_query() {
    let mut identifier = DataSet::new_empty();
    element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, "STUDY");
    element::put_text(&mut identifier, tags::PATIENT_NAME, VR::PN, "DOE*");
    element::put_empty(&mut identifier, tags::STUDY_INSTANCE_UID, VR::UI);
    element::put_empty(&mut identifier, tags::NUMBER_OF_STUDY_RELATED_SERIES, VR::IS);
    element::put_text(&mut identifier, tags::PATIENT_WEIGHT, VR::DS, "70");
    let query = Query::from_identifier(&identifier, Root::Study).expect("is a query");
    assert_eq!(query.matching(tags::PATIENT_NAME), Some(&Matching::Wildcard("DOE*".into())));
    assert_eq!(query.ignored, [vec![tags::PATIENT_WEIGHT]]);
    let Include::Tags(include) = &query.include else { panic!("tags are listed") };
    assert!(include.contains(&vec![tags::STUDY_INSTANCE_UID]) && include.contains(&vec![tags::PATIENT_WEIGHT]));

    element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, "SERIES");
    let error = Query::from_identifier(&identifier, Root::Study);
    assert_eq!(error, Err(QueryError::UniqueKey(tags::STUDY_INSTANCE_UID)));
    element::put_text(&mut identifier, tags::STUDY_INSTANCE_UID, VR::UI, "1.2");
    assert!(Query::from_identifier(&identifier, Root::Study).is_ok());
    let error = Query::from_identifier(&identifier, Root::Patient);
    assert_eq!(error, Err(QueryError::UniqueKey(tags::PATIENT_ID)));
    element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, "PATIENT");
    assert_eq!(Query::from_identifier(&identifier, Root::Study), Err(QueryError::Level));
}

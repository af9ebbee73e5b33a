//! Properties of reading: what is valid reads back, what is spoiled is named, nothing panics.

use proptest::prelude::*;

use super::tests::{fallback, leaves, put, read_it, small, written};
use super::*;
use crate::report::PersonName;
use crate::report::sample::sample;

fn any_sample() -> impl Strategy<Value = Report> {
    (0..1000u64, 0..1000u32).prop_map(|(seed, index)| sample(seed, index))
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::integer),
        any::<String>().prop_map(Json::String),
        "[0-9.^=\\\\a-zA-Z: -]{0,40}".prop_map(Json::String),
    ];
    let key = prop_oneof![
        prop::sample::select(MEMBERS.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec!["id", "name", "family", "given", "value", "unit", "text", "images", "system"])
            .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_sample_reads_back(report in any_sample()) {
        let text = report.to_json().to_text();
        let back = read_bytes(text.as_bytes(), &fallback(), &ReportLimits::default());
        prop_assert_eq!(back.as_ref(), Ok(&report));
        prop_assert_eq!(back.map(|back| back.content_digest()), Ok(report.content_digest()));
    }

    #[test]
    fn a_spoiled_member_is_named(report in any_sample(), at in any::<prop::sample::Index>()) {
        let json = report.to_json();
        let mut paths = Vec::new();
        leaves(&json, String::new(), &mut paths);
        let path = at.get(&paths);
        let mut spoiled = json;
        put(&mut spoiled, path, Some(Json::Null));
        let problems = read_it(&spoiled).expect_err("null is never a value");
        let wanted = written(path);
        prop_assert!(problems.iter().any(|problem| problem.path == wanted), "{wanted}: {problems}");
    }

    #[test]
    fn a_control_character_is_found_wherever_it_is(report in any_sample(), at in any::<prop::sample::Index>()) {
        let json = report.to_json();
        let mut paths = Vec::new();
        leaves(&json, String::new(), &mut paths);
        let texts: Vec<(&String, &str)> =
            paths.iter().filter_map(|path| Some((path, json.text_at(&path.split('/').collect::<Vec<_>>())?))).collect();
        let (path, text) = at.get(&texts);
        let mut spoiled = json.clone();
        put(&mut spoiled, path, Some(Json::string(format!("{text}\u{1}"))));
        let problems = read_it(&spoiled).expect_err("a control character is never part of a value");
        let wanted = written(path);
        prop_assert!(problems.iter().any(|problem| problem.path == wanted), "{wanted}: {problems}");
    }

    #[test]
    fn anything_is_read_or_refused(json in any_json()) {
        let problems = read_it(&json).expect_err("hardly a report");
        prop_assert!(!problems.is_empty());
    }

    #[test]
    fn what_is_read_is_in_normal_form(
        report in any_sample(),
        at in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut json = report.to_json();
        let mut paths = Vec::new();
        leaves(&json, String::new(), &mut paths);
        let path: &String = at.get(&paths);
        put(&mut json, path, Some(value));
        if let Ok(read) = read_it(&json) {
            prop_assert_eq!(read_it(&read.to_json()), Ok(read));
        }
    }

    #[test]
    fn a_name_survives_pn(text in "[a-zé山가^= .]{0,40}") {
        let mut json = small();
        put(&mut json, "patient/name", Some(Json::string(text)));
        if let Ok(report) = read_it(&json) {
            let name = report.patient.name;
            prop_assert_eq!(PersonName::from_pn(&name.to_pn()), Some(name));
        }
    }
}

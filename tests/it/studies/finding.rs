//! What is found is what matches: the SQL against the reference, over many studies and every kind of matching.

use std::collections::{BTreeMap, BTreeSet};

use causeway::dicom::element::DataSet;
use causeway::dicom::query::{Found, Include, Key, KeyKind, Level, Matching, Query, Root, matches};
use causeway::dicom::{header, json};
use causeway::ops::Ops;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde_json::Value;

use super::{Made, archivist, folder, store_all};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(
    every_kind_of_matching_finds_what_the_reference_finds,
    pages_are_stable_and_count_what_is_left,
    answers_have_what_their_level_returns,
    answers_to_identifiers_have_their_keys_alone,
    what_has_an_index_is_found_by_it,
);

const NAMES: [&str; 8] = [
    "Doe^John",
    "DOE^JOHN^^^",
    "doe^jane",
    "Müller^Jörg=山田^太郎=やまだ^たろう",
    "Muller^Jorg",
    "O'Neil^A_b%c*",
    "",
    "Διονυσιος",
];
const DATES: [&str; 5] = ["20260101", "20260203", "19991231", "", "2026.02.04"];
const TIMES: [&str; 6] = ["10", "1015", "101530.5", "235959", "", "noon"];
const CODES: [&str; 6] = ["A1", "a1", "A[1]", "A%1", "", "A_1"];

/// Instances of many studies, in pseudo-random combinations.
fn instances() -> Vec<Made> {
    let mut state = 7_usize;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut all = Vec::new();
    for study in 0..40 {
        let of_study = [
            (0x10, 0x10, *b"PN", NAMES[next(8)]),
            (0x10, 0x20, *b"LO", CODES[next(6)]),
            (0x10, 0x21, *b"LO", ["", "X"][next(2)]),
            (0x10, 0x30, *b"DA", DATES[next(5)]),
            (0x10, 0x40, *b"CS", ["M", "F", ""][next(3)]),
            (8, 0x20, *b"DA", DATES[next(5)]),
            (8, 0x30, *b"TM", TIMES[next(6)]),
            (8, 0x50, *b"SH", CODES[next(6)]),
            (8, 0x90, *b"PN", NAMES[next(8)]),
            (8, 0x1030, *b"LO", ["Chest CT", "chest ct", "", "Head"][next(4)]),
            (0x20, 0x10, *b"SH", CODES[next(6)]),
        ];
        for series in 0..=next(3) {
            let of_series = [
                (8, 0x60, *b"CS", ["CT", "MR", "SR", ""][next(4)]),
                (0x20, 0x11, *b"IS", ["1", "2", "03", ""][next(4)]),
                (8, 0x103e, *b"LO", ["Thin", "thin", ""][next(3)]),
                (0x18, 0x15, *b"CS", ["CHEST", "HEAD", ""][next(3)]),
                (8, 0x80, *b"LO", ["North", ""][next(2)]),
                (0x40, 0x244, *b"DA", DATES[next(5)]),
                (0x40, 0x245, *b"TM", TIMES[next(6)]),
            ];
            for instance in 0..=next(2) {
                let (study, series) = (format!("1.2.{study}"), format!("1.2.{study}.{series}"));
                let mut made = Made::new(&study, &series, &format!("{series}.{instance}"));
                for (group, element, vr, text) in of_study.iter().chain(&of_series) {
                    made = made.with(*group, *element, *vr, text);
                }
                all.push(made.with(0x20, 0x13, *b"IS", ["5", "6", ""][next(3)]));
            }
        }
    }
    all
}

/// What the archive knows of each instance, as attributes.
fn attributes(made: &Made) -> DataSet {
    let file = made.file();
    let (_, rest) = header::MetaReader::default().write(&file).expect("is valid").expect("is whole");
    let mut scanner = header::Scanner::new("1.2.840.10008.1.2.1", &header::HeaderLimits::default()).expect("known");
    scanner.write(&rest).expect("is valid");
    json::data_set(&json::object(&scanner.finish().expect("is whole"))).expect("is ours")
}

/// Texts that are asked for, of each kind.
fn questions(kind: KeyKind) -> Vec<&'static str> {
    match kind {
        KeyKind::Uid => vec!["1.2.3", "1.2.3\\1.2.7\\1.2.9", "1.2.3.0", "1.2.7.0.0\\1.2.8.0.0"],
        KeyKind::Number => vec!["1", "3", "03", "5", "77"],
        KeyKind::Date => vec!["20260203", "20260101-20260203", "-20260101", "20260101-", "2026.02.04"],
        KeyKind::Time => vec!["10", "1015", "101530.5", "10-12", "-1015", "101530-", "235959"],
        KeyKind::Name => vec![
            "Doe^John",
            "DOE*",
            "doe^j?hn",
            "*jörg",
            "山田*",
            "müller^jörg=山田^太郎",
            "やまだ^たろう",
            "o'neil^a_b%c*",
            "Διονυσιος",
            "*o*",
            "jorg",
            "muller jor",
        ],
        KeyKind::Text => vec![
            "A1", "a1", "A*", "?1", "A[1]", "A[*", "*%*", "A_1", "CT", "M?", "C*", "Chest CT", "*ct", "CHEST", "North",
            "X", "F",
        ],
    }
}

async fn every_kind_of_matching_finds_what_the_reference_finds(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let made = instances();
    let files: Vec<(String, Vec<u8>)> = made.iter().map(|made| (made.instance.clone(), made.file())).collect();
    store_all(ops, &actor, &files).await;
    let known: Vec<(&Made, DataSet)> = made.iter().map(|made| (made, attributes(made))).collect();
    let mut modalities: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (made, set) in &known {
        let of_study = modalities.entry(made.study.as_str()).or_default();
        of_study.extend(causeway::dicom::element::text(set, tags::MODALITY));
    }
    let mut asked = 0;
    for key in Key::ALL.iter().filter(|key| key.sequence.is_none()) {
        let mut matchings: Vec<Matching> =
            questions(key.kind).into_iter().map(|text| key.matching(text).expect("is a value")).collect();
        matchings.push(Matching::Empty);
        if key.tag == tags::MODALITIES_IN_STUDY {
            matchings.push(key.matching("MR\\SR").expect("is a list"));
        }
        for (matching, fuzzy) in matchings.iter().flat_map(|matching| [(matching, false), (matching, true)]) {
            if fuzzy && key.kind != KeyKind::Name {
                continue;
            }
            for level in [Level::Study, Level::Series, Level::Instance] {
                if level < key.level {
                    continue;
                }
                let query = Query { fuzzy, ..Query::all(level, 1000).with(&[key.tag], matching.clone()) };
                let wanted: BTreeSet<String> = known
                    .iter()
                    .filter(|(made, set)| {
                        matches(&query, Found { attributes: set, modalities: &modalities[&*made.study] })
                    })
                    .map(|(made, _)| uid_at(level, made))
                    .collect();
                let found = found(ops, &query).await;
                assert_eq!(found, wanted, "{:?} {matching:?} fuzzy {fuzzy} at {level:?}", key.tag);
                asked += usize::from(!wanted.is_empty());
            }
        }
    }
    assert!(asked > 150, "{asked} questions found something");
}

fn uid_at(level: Level, made: &Made) -> String {
    match level {
        Level::Series => made.series.clone(),
        Level::Instance => made.instance.clone(),
        Level::Patient | Level::Study => made.study.clone(),
    }
}

async fn found(ops: &Ops, query: &Query) -> BTreeSet<String> {
    let found = ops.find_studies(&archivist(), query).await.expect("may");
    assert_eq!(found.more, 0);
    let rows = found.rows.iter().map(|row| {
        let uid = match query.level {
            Level::Series => &row.series_instance_uid,
            Level::Instance => &row.sop_instance_uid,
            Level::Patient | Level::Study => &row.study_instance_uid,
        };
        uid.as_ref().expect("has one").to_string()
    });
    let all: Vec<String> = rows.collect();
    let unique: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(unique.len(), all.len(), "nothing is found twice");
    unique
}

async fn pages_are_stable_and_count_what_is_left(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let files: Vec<(String, Vec<u8>)> = instances().iter().map(|made| (made.instance.clone(), made.file())).collect();
    store_all(ops, &actor, &files).await;
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        let shown = |row: &causeway::ops::studies::FoundRow| {
            let mut out = Vec::new();
            row.write_json(&mut out, "http://x");
            out
        };
        let all = ops.find_studies(&actor, &Query::all(level, 1000)).await.expect("may");
        let all: Vec<Vec<u8>> = all.rows.iter().map(shown).collect();
        let mut pages = Vec::new();
        loop {
            let query = Query { offset: pages.len() as u64, ..Query::all(level, 7) };
            let page = ops.find_studies(&actor, &query).await.expect("may");
            assert_eq!(page.more, (all.len() - pages.len()).saturating_sub(page.rows.len()) as u64);
            if page.rows.is_empty() {
                break;
            }
            pages.extend(page.rows.iter().map(shown));
        }
        assert!(pages == all, "{level:?}");
        let none = ops.find_studies(&actor, &Query::all(level, 0)).await.expect("may");
        assert_eq!((none.rows.len(), none.more), (0, all.len() as u64));
    }
    let studies = ops.find_studies(&actor, &Query::all(Level::Study, 1000)).await.expect("may");
    let dates: Vec<String> = studies
        .rows
        .iter()
        .map(|row| json(row)["00080020"]["Value"][0].as_str().unwrap_or("").replace('.', ""))
        .collect();
    assert!(dates.is_sorted_by(|one, next| one >= next), "{dates:?}");
}

fn json(row: &causeway::ops::studies::FoundRow) -> Value {
    let mut out = Vec::new();
    row.write_json(&mut out, "http://x/dicom-web");
    serde_json::from_slice(&out).expect("is JSON")
}

async fn answers_have_what_their_level_returns(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let mut files = folder("studies");
    files.retain(|(name, _)| !name.ends_with("DICOMDIR.dcm"));
    store_all(ops, &actor, &files).await;
    let patient = Key::of_path(&[tags::PATIENT_ID]).expect("is a key");
    let query = Query::all(Level::Study, 100).with(&[tags::PATIENT_ID], patient.matching("98890234").expect("valid"));
    let found = ops.find_studies(&actor, &query).await.expect("may");
    assert!(!found.rows.is_empty());
    let mut instances = 0;
    for row in &found.rows {
        let study = json(row);
        for key in [
            "00080020", "00080030", "00080050", "00080061", "00080090", "00100010", "00100020", "00100030", "00100040",
            "0020000D", "00200010", "00201206", "00201208", "00081190", "00080056",
        ] {
            assert!(study.get(key).is_some_and(|member| member.get("vr").is_some()), "{key} in {study}");
        }
        let uid = study["0020000D"]["Value"][0].as_str().expect("has one");
        assert_eq!(study["00081190"]["Value"][0], format!("http://x/dicom-web/studies/{uid}"));
        assert!(study.get("0020000E").is_none() && study.get("00080018").is_none());
        instances += study["00201208"]["Value"][0].as_u64().expect("is counted");
        assert!(study.as_object().is_some_and(|set| set.keys().is_sorted()));
    }
    let all = Query { include: Include::All, ..Query::all(Level::Instance, 100) };
    let all = all.with(&[tags::PATIENT_ID], patient.matching("98890234").expect("valid"));
    let rows = ops.find_studies(&actor, &all).await.expect("may").rows;
    assert_eq!(rows.len() as u64, instances);
    let instance = json(&rows[0]);
    for key in ["00080016", "00080018", "00080060", "0020000E", "00100010", "0020000D", "00083002"] {
        assert!(instance.get(key).is_some(), "{key} in {instance}");
    }
    let series = ops.find_studies(&actor, &Query::all(Level::Series, 100)).await.expect("may");
    let series = json(&series.rows[0]);
    for key in ["00080060", "0020000E", "00200011", "00201209", "00400244", "00400275", "00100020", "0020000D"] {
        assert!(series.get(key).is_some(), "{key} in {series}");
    }
}

async fn answers_to_identifiers_have_their_keys_alone(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let mut files = folder("studies");
    files.retain(|(name, _)| !name.ends_with("DICOMDIR.dcm"));
    store_all(ops, &actor, &files).await;
    let mut identifier = DataSet::new_empty();
    let keys: [(Tag, dicom_core::VR, &str); 6] = [
        (tags::QUERY_RETRIEVE_LEVEL, dicom_core::VR::CS, "PATIENT"),
        (tags::PATIENT_ID, dicom_core::VR::LO, ""),
        (tags::PATIENT_NAME, dicom_core::VR::PN, "*"),
        (tags::PATIENT_BIRTH_DATE, dicom_core::VR::DA, ""),
        (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, dicom_core::VR::IS, ""),
        (tags::PATIENT_COMMENTS, dicom_core::VR::LT, ""),
    ];
    for (tag, vr, text) in keys {
        causeway::dicom::element::put_text(&mut identifier, tag, vr, text);
    }
    let query = Query::from_identifier(&identifier, Root::Patient).expect("is a query");
    let found = ops.find_studies(&actor, &query).await.expect("may");
    let patients: BTreeSet<String> = found
        .rows
        .iter()
        .map(|row| {
            let set = row.data_set();
            let tags: Vec<Tag> = set.iter().map(|element| element.header().tag).collect();
            assert_eq!(tags.len(), 5, "{tags:?}");
            let studies = causeway::dicom::element::text(&set, tags::NUMBER_OF_PATIENT_RELATED_STUDIES);
            assert!(studies.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0)));
            causeway::dicom::element::text(&set, tags::PATIENT_ID).expect("has one")
        })
        .collect();
    assert_eq!(patients.into_iter().collect::<Vec<_>>(), ["77654033", "98890234"]);
}

/// However many studies there are, those of a patient are found by an index, not along the order of all. PostgreSQL
/// decides by what is in its tables, of which there is little here.
async fn what_has_an_index_is_found_by_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let files: Vec<(String, Vec<u8>)> = instances().iter().map(|made| (made.instance.clone(), made.file())).collect();
    store_all(ops, &actor, &files).await;
    let (patient, name, accession) = ("dicom_study_by_patient", "dicom_study_by_name", "dicom_study_by_accession");
    for (tag, value, index) in [
        (tags::PATIENT_ID, "A1", patient),
        (tags::PATIENT_ID, "A*", patient),
        (tags::PATIENT_NAME, "DOE^JOHN", name),
        (tags::PATIENT_NAME, "doe*", name),
        (tags::ACCESSION_NUMBER, "A_1", accession),
        (tags::STUDY_DATE, "20260101-", "dicom_study_by_time"),
        (tags::STUDY_INSTANCE_UID, "1.2.3", "sqlite_autoindex_dicom_study"),
    ] {
        for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
            let key = Key::of_path(&[tag]).expect("is a key");
            let query = Query::all(level, 50).with(&[tag], key.matching(value).expect("valid"));
            let plan = ops.store().desk(&actor).explain_studies(&query).await.expect("explains");
            if matches!(backend, Backend::Sqlite) && key.level <= level {
                assert!(plan.contains(index), "{level:?} {value}: {plan}");
                assert!(!plan.contains("SCAN s"), "{level:?} {value}: {plan}");
            }
        }
    }
    if matches!(backend, Backend::Sqlite) {
        // Where many begin so, a page of them is found sooner along the order than all of them are sorted.
        let columns = "patient_id, issuer, patient_name, patient_ideographic, patient_phonetic, patient_words, \
            birth_date, sex, study_date, study_time, accession, study_id, description, referring_name, \
            referring_ideographic, referring_phonetic, referring_words, series, instances, created_at, changed_at, \
            attributes";
        let many = format!(
            "with recursive n (no) as (select 1 union all select no + 1 from n where no < 1000) \
             insert into dicom_study (tenant, study_uid, {columns}) select tenant, '2.25.' || n.no, {columns} from n, \
             (select * from dicom_study where patient_name like 'doe%' limit 1)"
        );
        gateway.database.execute(&many).await.expect("inserts");
        let key = Key::of_path(&[tags::PATIENT_NAME]).expect("is a key").matching("Doe*").expect("valid");
        for level in [Level::Study, Level::Series, Level::Instance] {
            let query = Query::all(level, 50).with(&[tags::PATIENT_NAME], key.clone());
            let plan = ops.store().desk(&actor).explain_studies(&query).await.expect("explains");
            assert!(plan.contains("dicom_study_by_time"), "{level:?}: {plan}");
        }
    }
}

use super::*;
use crate::fhir::Object;

pub(super) fn fallback() -> LogicalId {
    LogicalId::parse("fallback").expect("an id")
}

pub(super) fn read_it(json: &Json) -> Result<Report, Problems> {
    read(json, &fallback(), &ReportLimits::default())
}

/// A small valid report.
pub(super) fn small() -> Json {
    let text = r#"{
        "status": "draft",
        "patient": {"id": "P1", "name": {"family": "Doe"}, "birthDate": "1970-01-02"},
        "study": {"studyInstanceUID": "1.2.3", "studyDate": "2024-02-29", "modality": "CT"},
        "sections": {"findings": "Nothing."},
        "structuredFindings": [
            {"id": "f1", "text": "a", "images": [{"seriesInstanceUID": "1.2", "sopInstanceUID": "1.2.3.4"}]},
            {"id": "f2", "text": "b"}],
        "measurements": [
            {"id": "m1", "label": "long axis", "value": 12.50, "unit": "mm"},
            {"id": "m2", "label": "short axis", "value": "8.0", "unit": "mm"}],
        "keyImages": [{"seriesInstanceUID": "1.2", "sopInstanceUID": "1.2.3.4", "frame": 2}],
        "author": {"id": "a1", "name": "Roe^Richard", "role": "radiologist"},
        "verifier": {"id": "a2", "name": "Poe^Edgar Allan"},
        "order": {"placerNumber": "1"}
    }"#;
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON")
}

/// The value at `path`, which may end one step behind what exists.
pub(super) fn put(json: &mut Json, path: &str, value: Option<Json>) {
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let holder = parent.split('/').filter(|step| !step.is_empty()).fold(json, |json, step| match json {
        Json::Object(object) => object.get_mut(step).expect("a member"),
        Json::Array(items) => items.get_mut(step.parse::<usize>().expect("an index")).expect("an item"),
        _ => panic!("no way to {path}"),
    });
    match (holder, value) {
        (Json::Object(object), Some(value)) => drop(object.set(last, value)),
        (Json::Object(object), None) => drop(object.remove(last)),
        (Json::Array(items), Some(value)) => items[last.parse::<usize>().expect("an index")] = value,
        _ => panic!("nothing to change at {path}"),
    }
}

/// `a/0/b` as problems write it.
pub(super) fn written(path: &str) -> String {
    path.split('/').fold(String::new(), |out, step| match step.parse::<usize>() {
        Ok(index) => format!("{out}[{index}]"),
        Err(_) if out.is_empty() => step.to_owned(),
        Err(_) => format!("{out}.{step}"),
    })
}

fn problems_after(path: &str, value: Option<Json>) -> Vec<(String, ProblemCode)> {
    let mut json = small();
    put(&mut json, path, value);
    match read_it(&json) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| (problem.path.clone(), problem.code)).collect(),
    }
}

#[test]
fn a_small_report_is_read() {
    let report = read_it(&small()).expect("valid");
    assert_eq!(report.id, fallback());
    assert_eq!(report.code.code, "25045-6");
    assert_eq!(report.measurements[0].value.as_str(), "12.50");
    assert_eq!(report.measurements[1].value.as_str(), "8.0");
    assert_eq!(report.author.name.given, ["Richard"]);
    assert_eq!(report.verifier.as_ref().expect("one").name.given, ["Edgar Allan"]);
    assert_eq!(read_it(&report.to_json()).as_ref(), Ok(&report));
    assert_eq!(check(&report, &ReportLimits::default()).as_ref(), Ok(&report));
}

/// Every kind of bad input, the member that it sits in, and what is said of it.
#[test]
fn bad_input_is_named_by_its_path() {
    use ProblemCode::{CodeInvalid, Duplicate, Invariant, Required, Structure, TooLong, Value};
    let text = |text: &str| Some(Json::string(text));
    let number = |text: &str| Some(Json::Number(text.into()));
    let long_uid = format!("1.{}", "2".repeat(63));
    let cases: Vec<(&str, Option<Json>, ProblemCode)> = vec![
        // what does not exist
        ("colour", text("red"), Structure),
        ("patient/nickname", text("Jo"), Structure),
        ("measurements/1/units", text("mm"), Structure),
        ("structuredFindings/0/images/0/slice", number("1"), Structure),
        // what is missing
        ("status", None, Required),
        ("patient", None, Required),
        ("patient/id", None, Required),
        ("patient/name/family", None, Required),
        ("study/studyInstanceUID", None, Required),
        ("measurements/0/value", None, Required),
        ("author/role", None, Required),
        ("patient/id", text(""), Required),
        ("patient/id", text("  "), Required),
        ("order", Some(Object::new().into()), Required),
        // wrong types
        ("patient", text("P1"), Structure),
        ("study", Some(Json::Array(Vec::new())), Structure),
        ("measurements", Some(Object::new().into()), Structure),
        ("patient/name", number("1"), Structure),
        ("patient/birthDate", Some(Json::Null), Structure),
        ("structuredFindings/0/critical", text("true"), Structure),
        ("keyImages/0/frame", text("2"), Structure),
        ("measurements/0/value", Some(Json::Bool(true)), Structure),
        ("patient/name/given", text("John"), Structure),
        // dates and times
        ("patient/birthDate", text("1970-02-30"), Value),
        ("patient/birthDate", text("1970"), Value),
        ("study/studyDate", text("20240229"), Value),
        ("study/studyDate", text("2023-02-29"), Value),
        ("study/studyTime", text("24:00:00"), Value),
        ("patient/birthDate", text("2024-03-01"), Invariant),
        // identifiers
        ("id", text("with space"), Value),
        ("id", Some(Json::string("x".repeat(65))), TooLong),
        ("study/studyInstanceUID", text("1.02.3"), Value),
        ("study/studyInstanceUID", Some(Json::string(&long_uid)), TooLong),
        ("study/studyInstanceUID", text("1.2.x"), Value),
        ("keyImages/0/sopInstanceUID", text("1..2"), Value),
        ("keyImages/0/seriesInstanceUID", text("1.3"), Invariant),
        ("structuredFindings/1/id", text("f1"), Duplicate),
        ("measurements/1/id", text("m1"), Duplicate),
        // codes
        ("status", text("finished"), CodeInvalid),
        ("status", text("Final"), CodeInvalid),
        ("patient/sex", text("female"), CodeInvalid),
        ("structuredFindings/0/laterality", text("L"), CodeInvalid),
        ("structuredFindings/0/severity", text("fatal"), CodeInvalid),
        ("study/modality", text("ct"), Value),
        ("study/modality", text(""), Value),
        ("study/modality", text("COMPUTEDTOMOGRAPHY"), Value),
        ("language", text("en_US"), Value),
        // names
        ("patient/name", text("A^B^C^D^E^F"), Value),
        ("patient/name", text("A=B=C=D"), Value),
        ("patient/name", text("A\\B"), Value),
        ("patient/name/family", text("Doe^Jane"), Value),
        ("patient/name/family", Some(Json::string("x".repeat(65))), TooLong),
        ("patient/name/ideographic", text("山田^太郎=やまだ"), Value),
        ("patient/name/phonetic", text("a^b^c^d^e^f"), Value),
        ("patient/name/ideographic", text("^^"), Required),
        // numbers and units
        ("measurements/0/value", text("NaN"), Value),
        ("measurements/0/value", text("Infinity"), Value),
        ("measurements/0/value", number("1e3"), Value),
        ("measurements/0/value", text("1,5"), Value),
        ("measurements/0/value", text("012"), Value),
        ("measurements/0/value", Some(Json::string("1".repeat(41))), Value),
        ("measurements/0/unit", text("millimetres"), Value),
        ("measurements/0/unit", text("MM"), Value),
        ("measurements/0/unit", text(""), Value),
        ("measurements/0/unit", text("mm "), Value),
        ("measurements/0/unit", Some(Json::string("m.".repeat(40) + "m")), TooLong),
        ("keyImages/0/frame", number("0"), Value),
        ("keyImages/0/frame", number("1.0"), Value),
        ("keyImages/0/frame", number("99999999999"), Value),
        // characters and lengths
        ("sections/findings", text("a\u{0}"), Value),
        ("sections/findings", text("a\u{1b}[31m"), Value),
        ("patient/id", text("a\\b"), Value),
        ("patient/id", text("a\nb"), Value),
        ("study/accessionNumber", text("12345678901234567"), TooLong),
        ("study/description", Some(Json::string("x".repeat(65))), TooLong),
        ("keyImages/0/caption", text("a\nb"), Value),
        ("sections/findings", Some(Json::string("x".repeat(50_000_000))), TooLong),
        ("structuredFindings/0/text", Some(Json::string("x".repeat(10_001))), TooLong),
    ];
    for (path, value, code) in cases {
        let shown: String = value.as_ref().map(Json::to_text).unwrap_or_default().chars().take(60).collect();
        assert_eq!(problems_after(path, value), [(written(path), code)], "{path} {shown}");
    }
}

#[test]
fn every_required_member_is_missed() {
    let concept = r#"{"system":"http://loinc.org","code":"24627-2","display":"CT Chest"}"#;
    let mut whole = small();
    put(&mut whole, "code", Json::parse(concept.as_bytes(), &JsonLimits::default()).ok());
    put(&mut whole, "author/name", Some(Object::new().with("family", Json::string("Roe")).into()));
    assert!(read_it(&whole).is_ok());
    for path in [
        "status",
        "patient",
        "patient/id",
        "patient/name",
        "patient/name/family",
        "study",
        "study/studyInstanceUID",
        "code/system",
        "code/code",
        "code/display",
        "structuredFindings/1/id",
        "structuredFindings/1/text",
        "structuredFindings/0/images/0/seriesInstanceUID",
        "structuredFindings/0/images/0/sopInstanceUID",
        "measurements/1/id",
        "measurements/1/label",
        "measurements/1/value",
        "measurements/1/unit",
        "keyImages/0/seriesInstanceUID",
        "keyImages/0/sopInstanceUID",
        "author",
        "author/id",
        "author/name",
        "author/name/family",
        "author/role",
        "verifier/id",
        "verifier/name",
    ] {
        let mut json = whole.clone();
        put(&mut json, path, None);
        let problems = read_it(&json).expect_err(path);
        let told: Vec<_> = problems.iter().map(|problem| (problem.path.clone(), problem.code)).collect();
        assert_eq!(told, [(written(path), ProblemCode::Required)], "{path}");
    }
}

#[test]
fn concepts_are_checked_part_by_part() {
    let concept = |system: &str, code: &str, display: &str| {
        let object = Object::new()
            .with("system", Json::string(system))
            .with("code", Json::string(code))
            .with("display", Json::string(display));
        problems_after("study/bodySite", Some(object.into()))
    };
    let at = |member: &str, code| vec![(format!("study.bodySite.{member}"), code)];
    let long = "x".repeat(65);
    assert_eq!(concept("http://snomed.info/sct", "51185008", "Thoracic structure"), []);
    assert_eq!(concept("SCT", "51185008", "x"), at("system", ProblemCode::Value));
    for code in ["a  b", " a", "a ", "a\u{a0}b"] {
        assert_eq!(concept("http://snomed.info/sct", code, "x"), at("code", ProblemCode::Value), "{code}");
    }
    assert_eq!(concept("http://snomed.info/sct", "", "x"), at("code", ProblemCode::Required));
    assert_eq!(concept("http://snomed.info/sct", &long, "x"), at("code", ProblemCode::TooLong));
    assert_eq!(concept("http://snomed.info/sct", "a b", ""), at("display", ProblemCode::Required));
    assert_eq!(concept("http://snomed.info/sct", "a b", &long), at("display", ProblemCode::TooLong));
}

#[test]
fn all_problems_are_told_at_once() {
    let mut json = small();
    for (path, value) in [("status", "x"), ("patient/id", ""), ("measurements/1/unit", "?"), ("author/id", "\\")] {
        put(&mut json, path, Some(Json::string(value)));
    }
    let problems = read_it(&json).expect_err("four problems");
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["status", "patient.id", "measurements[1].unit", "author.id"]);
}

#[test]
fn a_verified_report_needs_a_verifier_and_something_to_say() {
    for status in ["final", "amended", "corrected", "appended"] {
        let mut json = small();
        put(&mut json, "status", Some(Json::string(status)));
        assert!(read_it(&json).is_ok(), "{status}");
        put(&mut json, "verifier", None);
        put(&mut json, "sections/findings", None);
        let problems = read_it(&json).expect_err("two problems");
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["verifier", "sections"], "{status}");
    }
}

#[test]
fn a_time_needs_its_date() {
    let mut json = small();
    put(&mut json, "study/studyTime", Some(Json::string("10:11:12.5")));
    assert!(read_it(&json).is_ok());
    put(&mut json, "study/studyDate", None);
    let problems = read_it(&json).expect_err("a time without a date");
    assert_eq!(problems.to_string(), "study.studyTime: needs a studyDate");
}

#[test]
fn counts_have_limits() {
    let limits = ReportLimits { findings: 1, measurements: 1, images: 0, key_images: 0, ..ReportLimits::default() };
    let problems = read(&small(), &fallback(), &limits).expect_err("four limits");
    let told: Vec<_> = problems.iter().map(|problem| (problem.path.as_str(), problem.code)).collect();
    let paths = ["structuredFindings[0].images", "structuredFindings", "measurements", "keyImages"];
    assert!(told.iter().all(|(_, code)| *code == ProblemCode::TooLong));
    assert!(told.len() == 4 && paths.iter().all(|path| told.iter().any(|(at, _)| at == path)));
}

#[test]
fn names_are_normalised() {
    let name = |json: Json| {
        let mut document = small();
        put(&mut document, "patient/name", Some(json));
        read_it(&document).map(|report| report.patient.name).map_err(|problems| problems.to_string())
    };
    let of = |text: &str| name(Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON")).expect("valid");
    assert_eq!(
        of(r#"{"family":" Doe ","given":["Mary Ann","Maria  Luisa","X"]}"#).given,
        ["Mary Ann", "Maria", "Luisa", "X"]
    );
    assert_eq!(of(r#""Doe^Mary Ann^Maria Luisa^Dr""#).given, ["Mary Ann", "Maria", "Luisa"]);
    assert_eq!(of(r#""Doe^^Middle""#).given, ["", "Middle"]);
    assert_eq!(of(r#""Yamada^Tarou=山田^太郎=やまだ^たろう""#).ideographic.as_deref(), Some("山田^太郎"));
    assert_eq!(of(r#"{"family":"Kim","ideographic":" 金 ^吉洞^^"}"#).ideographic.as_deref(), Some("金^吉洞"));
    let decomposed = Json::string("Mu\u{308}ller^Jo\u{308}rg");
    assert_eq!(name(decomposed).expect("valid").family, "Müller");
    // 64 characters count as characters of NFC, not as bytes or as what came.
    assert!(name(Json::string("e\u{301}".repeat(64))).is_ok());
    assert_eq!(
        name(Json::string("é".repeat(65))),
        Err("patient.name.family: must not be longer than 64 characters".into())
    );
    let group = format!("{}^{}", "a".repeat(40), "b".repeat(40));
    assert_eq!(
        name(Json::string(group)),
        Err("patient.name: must not be longer than 64 characters with all its parts".into())
    );
}

#[test]
fn what_is_not_json_is_one_problem() {
    for bad in ["", "{", "[]x", "{\"a\":1,\"a\":2}", "{\"status\":NaN}", "\u{feff}{}"] {
        let problems = read_bytes(bad.as_bytes(), &fallback(), &ReportLimits::default()).expect_err("not JSON");
        assert_eq!(problems.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(), [""], "{bad}");
    }
    let deep = "[".repeat(10_000);
    let problems = read_bytes(deep.as_bytes(), &fallback(), &ReportLimits::default()).expect_err("too deep");
    assert!(problems.iter().all(|problem| problem.code == ProblemCode::TooLong));
    assert!(read_bytes(b"[]", &fallback(), &ReportLimits::default()).is_err());
}

#[test]
fn no_problem_repeats_a_value() {
    let mut paths = Vec::new();
    leaves(&small(), String::new(), &mut paths);
    for path in paths {
        for bad in ["Zz9\u{1}", "Zz9\\^=\n"] {
            let mut json = small();
            put(&mut json, &path, Some(Json::string(bad)));
            let told = read_it(&json).err().map(|problems| problems.to_string()).unwrap_or_default();
            assert!(!told.contains("Zz9"), "{path}: {told}");
        }
    }
    let mut json = small();
    put(&mut json, "Zz9 secret", Some(Json::Null));
    assert_eq!(read_it(&json).expect_err("unknown").to_string(), "has a member that does not exist here");
}

/// The paths of all values below the document, arrays and objects among them.
pub(super) fn leaves(json: &Json, path: String, out: &mut Vec<String>) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}/{step}") };
    match json {
        Json::Object(object) => object.iter().for_each(|(key, value)| leaves(value, below(key), out)),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, below(&index.to_string()), out));
        }
        _ => {}
    }
    if !path.is_empty() {
        out.push(path);
    }
}

/// The reports in `fixtures/report`, with the names of their files.
fn fixtures() -> Vec<(String, Report)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/report");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            let bytes = std::fs::read(&file).expect("bytes");
            let report = read_bytes(&bytes, &fallback(), &ReportLimits::default());
            (name.clone(), report.unwrap_or_else(|problems| panic!("{name}: {problems}")))
        })
        .collect()
}

#[test]
fn every_fixture_reads_back() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 14);
    for (name, report) in &fixtures {
        assert_eq!(report.id.as_str(), name);
        assert!(name.contains(report.status.as_str()), "{name}");
        assert_eq!(read_it(&report.to_json()).as_ref(), Ok(report), "{name}");
        let concepts = concepts_in(&report.to_json());
        assert!(concepts.iter().all(codes::tests::has_check_digit), "{name}");
        for text in [&report.patient.id, &report.patient.name.family] {
            assert!(!text.is_empty(), "{name}");
        }
    }
    let counts: Vec<usize> = fixtures.iter().map(|(_, report)| report.measurements.len()).collect();
    assert!(counts.contains(&0) && counts.contains(&200));
    let demo: Vec<&Report> = fixtures
        .iter()
        .map(|(_, report)| report)
        .filter(|report| report.study.study_instance_uid.as_str() == "2.25.104129031725341967718459116437405291127")
        .collect();
    assert!(demo.len() >= 3 && demo.iter().all(|report| report.patient.id == "CW-DEMO-0001"));
}

fn concepts_in(json: &Json) -> Vec<crate::report::Concept> {
    let below = |json: &Json| match json {
        Json::Object(object) => object.iter().flat_map(|(_, value)| concepts_in(value)).collect::<Vec<_>>(),
        Json::Array(items) => items.iter().flat_map(concepts_in).collect(),
        _ => Vec::new(),
    };
    let text = |member: &str| json.get(member).and_then(Json::as_str).map(str::to_owned);
    match (text("system"), text("code"), text("display")) {
        (Some(system), Some(code), Some(display)) => vec![crate::report::Concept { system, code, display }],
        _ => below(json),
    }
}

//! The parameters of a QIDO-RS search as a query. PS3.18 §8.3.4 and §10.6.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use crate::base::Uid;

use super::matching::last;
use super::{Include, Key, KeyKind, Level, MatchKey, Matching, Query, QueryError, Root};

/// What the path of a search says: the study, and the series, whose series or instances are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parents {
    /// Study (0020,000D).
    pub study: Option<Uid>,
    /// Series (0020,000E).
    pub series: Option<Uid>,
}

/// Parameters that stand beside the attributes.
#[derive(Debug, Default)]
struct Options {
    limit: Option<u64>,
    offset: Option<u64>,
    fuzzy: Option<bool>,
    empty_values: Option<bool>,
    multiple_values: Option<bool>,
}

impl Query {
    /// From the decoded parameters of a search at `level`, in their order. `accept` and `charset` are passed over: they
    /// are of HTTP. No more than `max_results` are asked for, and so many where `limit` says nothing.
    ///
    /// Attributes are named by keyword, whose case does not count, by eight hexadecimal digits, or by a path of them.
    /// One that does not exist, that nothing is found by, that belongs to a lower level or that stands twice is an
    /// error: leaving it out would find what nobody asked for.
    pub fn from_parameters(
        level: Level,
        parents: &Parents,
        parameters: &[(String, String)],
        max_results: u64,
    ) -> Result<Self, QueryError> {
        let mut options = Options::default();
        let mut include = Some(Vec::new());
        let mut conditions: Vec<(Key, &str)> = Vec::new();
        for (name, value) in parameters {
            match name.to_ascii_lowercase().as_str() {
                "accept" | "charset" => {}
                "limit" => once(&mut options.limit, "limit", number("limit", value)?)?,
                "offset" => once(&mut options.offset, "offset", number("offset", value)?)?,
                "fuzzymatching" => once(&mut options.fuzzy, "fuzzymatching", flag("fuzzymatching", value)?)?,
                "emptyvaluematching" => {
                    once(&mut options.empty_values, "emptyvaluematching", flag("emptyvaluematching", value)?)?;
                }
                "multiplevaluematching" => {
                    once(&mut options.multiple_values, "multiplevaluematching", flag("multiplevaluematching", value)?)?;
                }
                "includefield" => included(value, &mut include)?,
                _ => conditions.push((key(name)?, value)),
            }
        }
        let limit = options.limit.map_or(max_results, |limit| limit.min(max_results));
        let mut query = Self { root: Root::Study, ..Self::all(level, limit) };
        query.offset = options.offset.unwrap_or(0);
        query.fuzzy = options.fuzzy == Some(true);
        query.include = include.map_or(Include::All, Include::Tags);
        for (tag, uid) in [(tags::STUDY_INSTANCE_UID, &parents.study), (tags::SERIES_INSTANCE_UID, &parents.series)] {
            if let Some(uid) = uid {
                query.keys.push(MatchKey { path: vec![tag], matching: Matching::Uids(vec![uid.clone()]) });
            }
        }
        for (key, value) in conditions {
            let path: Vec<Tag> = key.sequence.into_iter().chain([key.tag]).collect();
            if key.level > level {
                return Err(QueryError::LowerLevel(key.tag));
            }
            if query.keys.iter().any(|other| other.path == path) {
                return Err(wrong(&key.tag.to_string(), "is said twice"));
            }
            query.keys.push(MatchKey { path, matching: condition(&key, value, &options)? });
        }
        Ok(query)
    }
}

/// What a value asks of an attribute. PS3.18 §8.3.4.1.
fn condition(key: &Key, value: &str, options: &Options) -> Result<Matching, QueryError> {
    let refused = QueryError::Value(key.tag);
    if value.chars().any(|character| character.is_control() || character == char::REPLACEMENT_CHARACTER) {
        return Err(refused);
    }
    let is_list = matches!(key.kind, KeyKind::Uid) || key.tag == tags::MODALITIES_IN_STUDY;
    if !is_list && value.chars().count() > MAX_VALUE_CHARS {
        return Err(refused);
    }
    if options.empty_values == Some(true) && value == EMPTY {
        return Ok(Matching::Empty);
    }
    if options.multiple_values == Some(true) && !matches!(key.kind, KeyKind::Uid) && value.starts_with('"') {
        let values = quoted(value).ok_or_else(|| refused.clone())?;
        // Each of them has to be a value by itself.
        for one in &values {
            if !matches!(key.matching(one)?, Matching::Single(_)) {
                return Err(refused);
            }
        }
        return Ok(Matching::OneOf(values));
    }
    if is_list { key.matching(&value.replace(',', "\\")) } else { key.matching(value) }
}

/// The texts of `"a"\"b"`; a quote within one is doubled by a backslash nowhere, so that there is none.
fn quoted(value: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for part in value.strip_prefix('"')?.strip_suffix('"')?.split("\"\\\"") {
        if part.is_empty() || part.contains('"') {
            return None;
        }
        values.push(part.to_owned());
    }
    Some(values)
}

/// The key of a name.
fn key(name: &str) -> Result<Key, QueryError> {
    let unknown = || QueryError::Unsupported(shown(name));
    let path = path(name).ok_or_else(unknown)?;
    Key::of_path(&path).ok_or_else(unknown)
}

/// What an `includefield` adds. PS3.18 §8.3.4.3: names of attributes, or `all`.
fn included(value: &str, include: &mut Option<Vec<Vec<Tag>>>) -> Result<(), QueryError> {
    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name.eq_ignore_ascii_case("all") {
            *include = None;
            continue;
        }
        let path = path(name).ok_or_else(|| wrong("includefield", "names an attribute that does not exist"))?;
        if let Some(paths) = include.as_mut().filter(|paths| !paths.contains(&path)) {
            if paths.len() >= MAX_INCLUDED {
                return Err(wrong("includefield", "names too many attributes"));
            }
            paths.push(path);
        }
    }
    Ok(())
}

/// The tags of a name: keywords or hexadecimal digits, with full stops between those of a path.
fn path(name: &str) -> Option<Vec<Tag>> {
    let path: Vec<Tag> = name.split('.').take(MAX_DEPTH + 1).map(tag).collect::<Option<_>>()?;
    // What something lies in is a sequence.
    let (_, sequences) = path.split_last()?;
    let all = sequences.iter().all(|tag| is_private(*tag) || is_sequence(*tag));
    (all && path.len() <= MAX_DEPTH && last(&path).group() > 0x0002).then_some(path)
}

fn tag(name: &str) -> Option<Tag> {
    let is_number = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_number {
        let number = u32::from_str_radix(name, 16).ok()?;
        let tag = Tag((number >> 16) as u16, (number & 0xffff) as u16);
        return (is_private(tag) || StandardDataDictionary.by_tag(tag).is_some()).then_some(tag);
    }
    let exact = StandardDataDictionary.by_name(name).map(DataDictionaryEntry::tag);
    exact.or_else(|| {
        let keys = Key::ALL.iter().flat_map(|key| [Some(key.tag), key.sequence]).flatten();
        keys.into_iter().find(|tag| {
            StandardDataDictionary.by_tag(*tag).is_some_and(|entry| entry.alias().eq_ignore_ascii_case(name))
        })
    })
}

fn is_private(tag: Tag) -> bool {
    tag.group() % 2 == 1
}

fn is_sequence(tag: Tag) -> bool {
    StandardDataDictionary.by_tag(tag).is_some_and(|entry| entry.vr().relaxed() == dicom_core::VR::SQ)
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), QueryError> {
    if place.replace(value).is_some() { Err(wrong(name, "is said twice")) } else { Ok(()) }
}

fn number(name: &str, value: &str) -> Result<u64, QueryError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // The greatest that the databases count to.
    let number = value.parse().ok().filter(|number| digits && i64::try_from(*number).is_ok());
    number.ok_or_else(|| wrong(name, "must be a number from 0 on"))
}

fn flag(name: &str, value: &str) -> Result<bool, QueryError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(name, "must be true or false")),
    }
}

fn wrong(parameter: &str, detail: &'static str) -> QueryError {
    QueryError::Parameter { parameter: parameter.to_owned(), detail }
}

/// As much of a name as an answer repeats.
fn shown(name: &str) -> String {
    name.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '.').take(64).collect()
}

/// Two quotes. PS3.18 §8.3.4.1.
const EMPTY: &str = "\"\"";
/// Longest value that is looked for; that of a PN with three groups and a little more.
const MAX_VALUE_CHARS: usize = 256;
/// Most attributes that one search can ask for besides.
const MAX_INCLUDED: usize = 500;
/// Most tags of a path.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(level: Level, text: &str) -> Result<Query, QueryError> {
        let pairs: Vec<(String, String)> = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.to_owned())
            })
            .collect();
        Query::from_parameters(level, &Parents::default(), &pairs, 100)
    }

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("valid")
    }

    fn condition_of(text: &str) -> Matching {
        let query = read(Level::Instance, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        query.keys.into_iter().next().expect("has a key").matching
    }

    #[test]
    fn attributes_are_named_in_every_form() {
        for (name, path) in [
            ("PatientID", vec![tags::PATIENT_ID]),
            ("patientid", vec![tags::PATIENT_ID]),
            ("00100020", vec![tags::PATIENT_ID]),
            ("0020000d", vec![tags::STUDY_INSTANCE_UID]),
            (
                "RequestAttributesSequence.RequestedProcedureID",
                vec![tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID],
            ),
            ("00400275.00401001", vec![tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID]),
        ] {
            let query = read(Level::Instance, &format!("{name}=1.2")).expect(name);
            assert_eq!(query.keys[0].path, path, "{name}");
        }
        for unknown in
            ["FooBar", "0010", "00100020x", "ffffffff", "PatientID.PatientID", "", "RescaleSlope", "00280010", "Rows"]
        {
            let refused = read(Level::Instance, &format!("{unknown}=1")).expect_err(unknown);
            assert!(matches!(refused, QueryError::Unsupported(_)), "{unknown}: {refused:?}");
        }
    }

    #[test]
    fn each_kind_of_matching_has_its_form() {
        let text = |text: &str| text.to_owned();
        for (parameter, matching) in [
            ("PatientID=ABC", Matching::Single(text("ABC"))),
            ("PatientID=", Matching::Universal),
            ("PatientID=*", Matching::Universal),
            ("PatientID=a%*?_", Matching::Wildcard(text("a%*?_"))),
            ("PatientName=DOE^JOHN", Matching::Single(text("DOE^JOHN"))),
            ("StudyInstanceUID=1.2", Matching::Uids(vec![uid("1.2")])),
            ("StudyInstanceUID=1.2,1.3", Matching::Uids(vec![uid("1.2"), uid("1.3")])),
            ("StudyInstanceUID=1.2\\1.3", Matching::Uids(vec![uid("1.2"), uid("1.3")])),
            ("ModalitiesInStudy=CT,MR", Matching::OneOf(vec![text("CT"), text("MR")])),
            ("StudyDate=20260101", Matching::Single(text("20260101"))),
            ("StudyDate=20260101-", Matching::Range { from: Some(text("20260101")), until: None }),
            ("StudyDate=-20260101", Matching::Range { from: None, until: Some(text("20260101")) }),
            ("StudyTime=08-1730", Matching::Range { from: Some(text("08")), until: Some(text("1730")) }),
            ("emptyvaluematching=true&AccessionNumber=\"\"", Matching::Empty),
            ("AccessionNumber=\"\"", Matching::Single(text("\"\""))),
            ("multiplevaluematching=true&AccessionNumber=\"a\"\\\"b\"", Matching::OneOf(vec![text("a"), text("b")])),
            ("multiplevaluematching=true&AccessionNumber=a", Matching::Single(text("a"))),
        ] {
            assert_eq!(condition_of(parameter), matching, "{parameter}");
        }
    }

    #[test]
    fn what_cannot_be_matched_is_refused() {
        let long = format!("PatientName={}", "*a".repeat(5000));
        for bad in [
            "StudyDate=2026-11-20",
            "StudyDate=20261320",
            "StudyDate=today",
            "StudyDate=-",
            "StudyTime=25",
            "StudyInstanceUID=1.2.x",
            "StudyInstanceUID=1.2,",
            "InstanceNumber=one",
            "PatientID=a&00100020=b",
            "PatientID=a\0",
            "limit=-1",
            "limit=",
            "limit=1e3",
            "limit=1&limit=2",
            "offset=x",
            "offset=99999999999999999999",
            "fuzzymatching=yes",
            "includefield=FooBar",
            "includefield=00100020,nope",
            "multiplevaluematching=true&AccessionNumber=\"a\"\"b\"",
            "multiplevaluematching=true&StudyDate=\"2026\"",
            long.as_str(),
        ] {
            assert!(read(Level::Instance, bad).is_err(), "{bad:.60}");
        }
        assert_eq!(read(Level::Study, "Modality=CT"), Err(QueryError::LowerLevel(tags::MODALITY)));
        let parents = Parents { study: Some(uid("1.2")), series: None };
        let again = [("StudyInstanceUID".to_owned(), "1.2".to_owned())];
        assert!(Query::from_parameters(Level::Series, &parents, &again, 10).is_err());
    }

    #[test]
    fn pages_and_fields_are_read_as_viewers_ask_for_them() {
        let text = "limit=101&offset=20&fuzzymatching=false&includefield=00081030,00080060&PatientName=*x*&accept=y";
        let query = read(Level::Study, text).expect("is read");
        assert_eq!((query.limit, query.offset, query.fuzzy), (100, 20, false));
        assert_eq!(query.include, Include::Tags(vec![vec![tags::STUDY_DESCRIPTION], vec![tags::MODALITY]]));
        assert_eq!(query.matching(tags::PATIENT_NAME), Some(&Matching::Wildcard("*x*".to_owned())));
        let query =
            read(Level::Study, "limit=0&includefield=PatientID&includefield=all&fuzzymatching=true").expect("is read");
        assert_eq!((query.limit, query.offset, query.fuzzy, query.include), (0, 0, true, Include::All));
        let parents = Parents { study: Some(uid("1.2")), series: Some(uid("1.3")) };
        let query = Query::from_parameters(Level::Instance, &parents, &[], 10).expect("is read");
        assert_eq!(query.matching(tags::SERIES_INSTANCE_UID), Some(&Matching::Uids(vec![uid("1.3")])));
        assert_eq!((query.limit, query.include), (10, Include::Tags(Vec::new())));
    }

    proptest! {
        #[test]
        fn any_parameter_is_read_without_panic(
            name in "PatientName|StudyDate|StudyTime|SeriesNumber|ModalitiesInStudy|includefield|limit|[0-9A-Fa-f.]{0,17}|\\PC{0,20}",
            value in "\\PC{0,40}|[0-9.,*?\\\\\"-]{0,40}",
            is_multiple in any::<bool>(),
        ) {
            let parameters = [(name, value), ("multiplevaluematching".to_owned(), is_multiple.to_string())];
            let _ = Query::from_parameters(Level::Instance, &Parents::default(), &parameters, 10);
        }
    }
}

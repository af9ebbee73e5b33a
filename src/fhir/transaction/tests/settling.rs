//! What a transaction comes to, with a store of a few resources that answers at once.

use std::cell::Cell;

use super::*;
use crate::fhir::search::evaluate::{Indexed, find};
use crate::fhir::search::{QueryContext, QueryLimits, Registry, SearchQuery, extract};

/// A store in memory: type, id, version, text; a text that is empty is a deletion.
struct Fake(Vec<(&'static str, &'static str, i32, &'static str)>);

fn context() -> QueryContext<'static> {
    let base = "https://gateway.example/fhir/r4";
    QueryContext { registry: Registry::r4(), base, now: Timestamp(0), limits: QueryLimits::default() }
}

impl Fake {
    fn matches(&self, kind: &str, text: &str) -> Vec<LogicalId> {
        let pairs: Vec<(String, String)> = ::url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let query = SearchQuery::parse(context(), Some(kind), &pairs).expect("valid");
        let resources: Vec<(String, Json)> = self
            .0
            .iter()
            .filter(|(_, _, _, text)| !text.is_empty())
            .map(|(_, id, _, text)| ((*id).to_owned(), parse(text)))
            .collect();
        let indexed: Vec<Indexed<'_>> = resources
            .iter()
            .map(|(id, resource)| Indexed {
                resource_type: resource.text_at(&["resourceType"]).unwrap_or_default().to_owned(),
                id: id.clone(),
                entries: extract(resource),
            })
            .collect();
        find(&query, &indexed).into_iter().map(|found| id(&found.id)).collect()
    }

    fn row(&self, kind: &str, id: &LogicalId) -> Option<&(&'static str, &'static str, i32, &'static str)> {
        self.0.iter().find(|row| row.0 == kind && row.1 == id.as_str())
    }

    fn settle(&self, mut entries: Vec<Entry>) -> Result<Vec<Settled>, Fault> {
        let questions = questions(&mut entries, References::Replaced, context())?;
        let next = Cell::new(0);
        let known = Known {
            matches: &|kind, text| self.matches(kind, text),
            former: &|kind, id| {
                self.row(kind, id).map(|row| Former { version: VersionId(row.2), is_deleted: row.3.is_empty() })
            },
            document: &|kind, id| Some(parse(self.row(kind, id)?.3)),
            fresh: &|_place| {
                next.set(next.get() + 1);
                id(&format!("new-{}", next.get()))
            },
        };
        settle(&entries, &questions, known, context())
    }

    fn run(&self, texts: &[&str]) -> Vec<String> {
        self.settle(entries(texts)).expect("goes well").iter().map(shown_one).collect()
    }

    fn fails(&self, texts: &[&str]) -> (String, Reason) {
        let fault = self.settle(entries(texts)).expect_err("does not go");
        (fault.path, fault.reason)
    }
}

/// `new Patient/id@version body`, without the `resourceType` of the body.
fn shown_one(settled: &Settled) -> String {
    match settled {
        Settled::Write { id, before, is_new, body } => {
            let before = before.map_or_else(|| "-".to_owned(), |before| before.to_string());
            format!("{} {id} {before} {}", if *is_new { "new" } else { "old" }, body.to_text())
        }
        Settled::Existing(id) => format!("existing {id}"),
        Settled::Delete { id, before } => format!("delete {id} {before}"),
        Settled::Nothing => "nothing".to_owned(),
        Settled::Read => "read".to_owned(),
    }
}

/// A patient with this identifier.
fn who(value: &str) -> String {
    format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:s","value":"{value}"}}]}}"#)
}

fn post(full_url: &str, resource: &str, if_none_exist: &str) -> String {
    let kind = parse(resource).text_at(&["resourceType"]).unwrap_or_default().to_owned();
    let full_url = if full_url.is_empty() { String::new() } else { format!(r#""fullUrl":"{full_url}","#) };
    let condition =
        if if_none_exist.is_empty() { String::new() } else { format!(r#","ifNoneExist":"{if_none_exist}""#) };
    format!(r#"{{{full_url}"resource":{resource},"request":{{"method":"POST","url":"{kind}"{condition}}}}}"#)
}

fn put(full_url: &str, url: &str, resource: &str) -> String {
    let full_url = if full_url.is_empty() { String::new() } else { format!(r#""fullUrl":"{full_url}","#) };
    format!(r#"{{{full_url}"resource":{resource},"request":{{"method":"PUT","url":"{url}"}}}}"#)
}

fn basic(reference: &str) -> String {
    format!(r#"{{"resourceType":"Basic","subject":{{"reference":"{reference}"}}}}"#)
}

fn points_at(settled: &Settled) -> String {
    match settled {
        Settled::Write { body, .. } => body.text_at(&["subject", "reference"]).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// What a reference in a Basic that comes with these entries becomes.
fn target(store: &Fake, others: &[String], reference: &str) -> Result<String, (String, Reason)> {
    let mut texts = vec![post("urn:uuid:basic", &basic(reference), "")];
    texts.extend_from_slice(others);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let settled = store.settle(entries(&texts)).map_err(|fault| (fault.path, fault.reason))?;
    Ok(points_at(&settled[0]))
}

const A: &str = r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:s","value":"1"}]}"#;
const B: &str = r#"{"resourceType":"Patient","id":"b","identifier":[{"system":"urn:s","value":"2"}]}"#;
const B_TOO: &str = r#"{"resourceType":"Patient","id":"b2","identifier":[{"system":"urn:s","value":"2"}]}"#;

fn store() -> Fake {
    Fake(vec![("Patient", "a", 3, A), ("Patient", "b", 1, B), ("Patient", "b2", 1, B_TOO), ("Patient", "gone", 2, "")])
}

#[test]
fn each_entry_comes_to_its_resource() {
    let put_new = put("", "Patient/n", r#"{"resourceType":"Patient","id":"n"}"#);
    let put_old = put("", "Patient/a", r#"{"resourceType":"Patient","id":"a"}"#);
    let put_gone = put("", "Patient/gone", r#"{"resourceType":"Patient","id":"gone"}"#);
    let settled = store().run(&[
        r#"{"request":{"method":"GET","url":"Patient/a"}}"#,
        &post("", r#"{"resourceType":"Patient","id":"mine"}"#, ""),
        &put_new,
        &put_old,
        &put_gone,
        r#"{"request":{"method":"DELETE","url":"Patient/b"}}"#,
        r#"{"request":{"method":"DELETE","url":"Patient/never"}}"#,
        r#"{"request":{"method":"DELETE","url":"Patient?identifier=nobody"}}"#,
    ]);
    assert_eq!(
        settled,
        [
            "read",
            r#"new new-1 - {"resourceType":"Patient","id":"mine"}"#,
            r#"new n - {"resourceType":"Patient","id":"n"}"#,
            r#"old a 3 {"resourceType":"Patient","id":"a"}"#,
            r#"new gone 2 {"resourceType":"Patient","id":"gone"}"#,
            "delete b 1",
            "nothing",
            "nothing",
        ]
    );
}

#[test]
fn versions_are_guarded() {
    let guarded = |method: &str, url: &str, tag: &str| {
        format!(r#"{{"request":{{"method":"{method}","url":"{url}","ifMatch":"{tag}"}}}}"#)
    };
    let path = || "Bundle.entry[0].request.ifMatch".to_owned();
    assert_eq!(store().run(&[&guarded("DELETE", "Patient/a", "W/\\\"3\\\"")]), ["delete a 3"]);
    let stale = store().fails(&[&guarded("DELETE", "Patient/a", "W/\\\"2\\\"")]);
    assert_eq!(stale, (path(), Reason::VersionMismatch(Some(VersionId(3)))));
    assert_eq!(store().fails(&[&guarded("DELETE", "Patient/gone", "*")]), (path(), Reason::VersionMismatch(None)));
}

#[test]
fn a_conditional_create_makes_one_resource() {
    let make = |value: &str| post("", &who(value), &format!("identifier=urn:s|{value}"));
    assert!(store().run(&[&make("9")])[0].starts_with("new new-1"));
    assert_eq!(store().run(&[&make("1")]), ["existing a"]);
    assert_eq!(store().run(&[&make("1"), &make("1")]), ["existing a", "existing a"]);
    assert_eq!(store().fails(&[&make("2")]), ("Bundle.entry[0].request.ifNoneExist".into(), Reason::ManyMatches));
    let twice = store().run(&[&make("9"), &make("9")]);
    assert!(twice[0].starts_with("new new-1"), "{twice:?}");
    assert_eq!(twice[1], "existing new-1", "what this transaction has made counts");
    let after_delete = store().run(&[&make("1"), r#"{"request":{"method":"DELETE","url":"Patient/a"}}"#]);
    assert!(after_delete[0].starts_with("new new-1"), "deletions come first: {after_delete:?}");
}

#[test]
fn a_conditional_update_means_one_resource() {
    let update = |value: &str, named: &str| {
        let id = if named.is_empty() { String::new() } else { format!(r#""id":"{named}","#) };
        put("", &format!("Patient?identifier=urn:s|{value}"), &who(value).replacen('{', &format!("{{{id}"), 1))
    };
    assert!(store().run(&[&update("1", "")])[0].starts_with("old a 3 "));
    assert!(store().run(&[&update("1", "a")])[0].starts_with("old a 3 "));
    assert_eq!(store().fails(&[&update("1", "x")]), ("Bundle.entry[0].resource.id".into(), Reason::OtherId));
    assert!(store().run(&[&update("9", "")])[0].starts_with("new new-1 - "));
    assert!(store().run(&[&update("9", "x")])[0].starts_with("new x - "));
    assert_eq!(store().fails(&[&update("9", "b")]), ("Bundle.entry[0].resource.id".into(), Reason::Taken));
    assert_eq!(store().fails(&[&update("2", "")]), ("Bundle.entry[0].request.url".into(), Reason::ManyMatches));
    let twice = store().fails(&[&update("9", ""), &update("9", "")]);
    assert_eq!(twice, ("Bundle.entry[1].request.url".into(), Reason::Duplicate(0)));
}

#[test]
fn two_entries_never_change_one_resource() {
    let url = |index| format!("Bundle.entry[{index}].request.url");
    let delete = r#"{"request":{"method":"DELETE","url":"Patient?identifier=urn:s|1"}}"#;
    let patch = r#"{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="},
        "request":{"method":"PATCH","url":"Patient?identifier=urn:s|1"}}"#;
    let update = put("", "Patient/a", A);
    assert_eq!(store().fails(&[&update, delete]), (url(0), Reason::Duplicate(1)));
    assert_eq!(store().fails(&[&update, patch]), (url(1), Reason::Duplicate(0)));
    assert_eq!(store().fails(&[patch, patch]), (url(1), Reason::Duplicate(0)));
    assert_eq!(store().fails(&[patch, delete]), (url(0), Reason::NotFound), "what is deleted matches nothing");
    let found = post("", &who("1"), "identifier=urn:s|1");
    assert_eq!(store().fails(&[&update, &found]), (url(0), Reason::Duplicate(1)));
}

#[test]
fn patches_are_applied_to_what_there_is() {
    // [{"op":"add","path":"/managingOrganization","value":{"reference":"urn:uuid:o"}}]
    let data =
        "W3sib3AiOiJhZGQiLCJwYXRoIjoiL21hbmFnaW5nT3JnYW5pemF0aW9uIiwidmFsdWUiOnsicmVmZXJlbmNlIjoidXJuOnV1aWQ6byJ9fV0=";
    let json = format!(
        r#"{{"resource":{{"resourceType":"Binary","contentType":"application/json-patch+json","data":"{data}"}},
        "request":{{"method":"PATCH","url":"Patient/a"}}}}"#
    );
    let path = r#"{"resource":{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},
        {"name":"name","valueString":"managingOrganization"},
        {"name":"value","valueReference":{"reference":"urn:uuid:o"}}]}]},
        "request":{"method":"PATCH","url":"Patient/a"}}"#;
    let conditional = path.replace("urn:uuid:o", "Organization?name=Here");
    let organization = post("urn:uuid:o", r#"{"resourceType":"Organization","name":"Here"}"#, "");
    for patch in [json.as_str(), path, &conditional] {
        let settled = store().run(&[patch, &organization]);
        assert!(settled[0].starts_with("old a 3 "), "{settled:?}");
        assert!(settled[0].ends_with(r#","managingOrganization":{"reference":"Organization/new-1"}}"#), "{settled:?}");
    }
    assert!(
        matches!(store().fails(&[&json]), (path, Reason::Dangling) if path.ends_with("managingOrganization.reference"))
    );
    let at = |url: &str| store().fails(&[&path.replace("Patient/a", url), &organization]);
    assert_eq!(at("Patient/never"), ("Bundle.entry[0].request.url".into(), Reason::NotFound));
    assert_eq!(at("Patient/gone"), ("Bundle.entry[0].request.url".into(), Reason::Gone));
    assert_eq!(at("Patient?identifier=nobody"), ("Bundle.entry[0].request.url".into(), Reason::NotFound));
}

#[test]
fn references_go_where_the_resources_are() {
    let to = |others: &[String], reference: &str| target(&store(), others, reference).expect("goes well");
    let made = [post("urn:uuid:p", &who("9"), "")];
    assert_eq!(to(&made, "urn:uuid:p"), "Patient/new-2");
    let found = [post("urn:uuid:p", &who("1"), "identifier=urn:s|1")];
    assert_eq!(to(&found, "urn:uuid:p"), "Patient/a", "of what exists already");
    let both = [post("urn:uuid:p", &who("9"), "identifier=9"), post("urn:uuid:q", &who("9"), "identifier=9")];
    assert_eq!(to(&both, "urn:uuid:q"), "Patient/new-2", "of what another entry has made");
    let updated = [put("urn:uuid:p", "Patient?identifier=urn:s|1", &who("1"))];
    assert_eq!(to(&updated, "urn:uuid:p"), "Patient/a");
    let elsewhere = [post("https://a.example/Patient/7", &who("9"), "")];
    assert_eq!(to(&elsewhere, "https://a.example/Patient/7"), "Patient/new-2");
    assert_eq!(to(&elsewhere, "https://a.example/Patient/7/_history/4"), "Patient/new-2/_history/1");
    assert_eq!(to(&elsewhere, "Patient/7"), "Patient/7", "relative to another base");
    let by_id = [post("", r#"{"resourceType":"Patient","id":"7"}"#, "")];
    assert_eq!(to(&by_id, "Patient/7"), "Patient/new-2");
    let same = [put("https://a.example/Patient/a", "Patient/a", A)];
    assert_eq!(to(&same, "https://a.example/Patient/a/_history/2"), "Patient/a/_history/2", "its id has not changed");
    let dangling = target(&store(), &[], "urn:uuid:p");
    assert_eq!(dangling, Err(("Bundle.entry[0].resource.subject.reference".into(), Reason::Dangling)));
}

#[test]
fn conditional_references_mean_one_resource() {
    let path = || "Bundle.entry[0].resource.subject.reference".to_owned();
    let to = |others: &[String], reference: &str| target(&store(), others, reference);
    assert_eq!(to(&[], "Patient?identifier=urn:s|1"), Ok("Patient/a".into()));
    let none = "Patient?identifier=urn:s|9";
    assert_eq!(to(&[], none), Err((path(), Reason::NoTarget(none.into()))));
    let many = "Patient?identifier=urn:s|2";
    assert_eq!(to(&[], many), Err((path(), Reason::ManyTargets(many.into()))));
    assert_eq!(to(&[post("", &who("9"), "")], none), Ok("Patient/new-2".into()), "made in this transaction");
    let deleted = r#"{"request":{"method":"DELETE","url":"Patient/a"}}"#.to_owned();
    let gone = "Patient?identifier=urn:s|1";
    assert_eq!(to(&[deleted], gone), Err((path(), Reason::NoTarget(gone.into()))));
    let renamed = put("", "Patient/b2", &who("3").replacen('{', r#"{"id":"b2","#, 1));
    assert_eq!(to(&[renamed], many), Ok("Patient/b".into()), "as it is after the updates");
    assert!(matches!(to(&[], "Patient?colour=red"), Err((at, Reason::Condition(_))) if at == path()));
}

#[test]
fn links_of_every_kind_are_replaced() {
    let text = r#"{"resourceType":"DocumentReference","status":"current",
        "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:p\">urn:uuid:p</a></div>"},
        "extension":[{"url":"http://x/y","valueUuid":"urn:uuid:p"},{"url":"http://x/z","valueCanonical":"urn:uuid:p|1"},
          {"url":"http://x/s","valueString":"urn:uuid:p"}],
        "masterIdentifier":{"system":"urn:ietf:rfc:3986","value":"urn:uuid:p"},
        "content":[{"attachment":{"url":"urn:uuid:p"}}]}"#;
    let settled = store().run(&[&post("", text, ""), &post("urn:uuid:p", &who("9"), "")]);
    let body = &settled[0];
    for part in [
        r#"<a href=\"Patient/new-2\">urn:uuid:p</a>"#,
        r#""valueUri":"Patient/new-2""#,
        r#""valueCanonical":"Patient/new-2|1""#,
        r#""valueString":"urn:uuid:p""#,
        r#""value":"urn:uuid:p"},"content""#,
        r#"{"attachment":{"url":"Patient/new-2"}}"#,
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
}

#[test]
fn references_of_a_batch_stay_as_they_are() {
    let mut alone = entries(&[&post("urn:uuid:p", &basic("Patient?identifier=urn:s|1"), "code=x")]);
    let questions = questions(&mut alone, References::Kept, context()).expect("is right");
    assert_eq!(questions.conditions.len(), 1, "that of the entry itself");
    let known =
        Known { matches: &|_, _| Vec::new(), former: &|_, _| None, document: &|_, _| None, fresh: &|_| id("new") };
    let settled = settle(&alone, &questions, known, context()).expect("goes well");
    assert_eq!(points_at(&settled[0]), "Patient?identifier=urn:s|1");
}

#[test]
fn criteria_that_cannot_be_followed_are_named() {
    let chain = post("", &basic("Observation?patient.name=a"), "");
    assert_eq!(
        store().fails(&[&chain]),
        ("Bundle.entry[0].resource.subject.reference".into(), Reason::Condition(ConditionError::Chain))
    );
    let shaped = post("", &who("1"), "identifier=1&_count=1");
    let (path, _) = store().fails(&[&shaped]);
    assert_eq!(path, "Bundle.entry[0].request.ifNoneExist");
}

#[test]
fn a_thousand_conditional_creates_do_not_take_the_square_of_their_number() {
    let texts: Vec<String> =
        (0..1_000).map(|number| post("", &who(&number.to_string()), &format!("identifier=urn:s|{number}"))).collect();
    let text = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, texts.join(","));
    let plan = read(parse(&text), 1_000).expect("is right");
    let mut all: Vec<Entry> = plan.entries.into_iter().map(|entry| entry.expect("is right")).collect();
    let questions = questions(&mut all, References::Replaced, context()).expect("is right");
    let next = Cell::new(0);
    let known = Known {
        matches: &|_, _| Vec::new(),
        former: &|_, _| None,
        document: &|_, _| None,
        fresh: &|_| {
            next.set(next.get() + 1);
            id(&format!("new-{}", next.get()))
        },
    };
    assert_eq!(settle(&all, &questions, known, context()).expect("goes well").len(), 1_000);
}

//! From a Bundle to a [`Plan`]. Everything that is wrong with it is named; nothing in it is passed over.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::base::{LogicalId, ProblemCode, Problems, Timestamp};
use crate::fhir::reference::Target;
use crate::fhir::structure::{Limits, check};
use crate::fhir::{Json, JsonLimits, Object};

use super::url::{self, Address, UrlError};
use super::{Action, Cached, Entry, EntryError, Instance, Kind, Patch, Plan, Versions, in_request, in_resource};

/// Why a Bundle is not processed at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It has more entries than the limit.
    #[error("the Bundle has more than {0} entries")]
    TooMany(usize),
    /// It is malformed, or of a type that is not processed.
    #[error("{0}")]
    Invalid(Problems),
}

/// Reads a Bundle of type `batch` or `transaction` with at most `most` entries. R4 bundle.html#invs and
/// http.html#trules: what is wrong with a transaction is an error with every place; in a batch, what is wrong
/// with an entry is that entry's own.
pub fn read(mut bundle: Json, most: usize) -> Result<Plan, ReadError> {
    let kind = kind(&bundle)?;
    let mut resources: Vec<Option<Json>> = Vec::new();
    if let Some(Json::Array(entries)) = bundle.as_object_mut().and_then(|bundle| bundle.get_mut("entry")) {
        if entries.len() > most {
            return Err(ReadError::TooMany(most));
        }
        resources.extend(entries.iter_mut().map(take_resource));
    }
    if resources.is_empty()
        && let Some(bundle) = bundle.as_object_mut().filter(|bundle| bundle.get("entry").is_some_and(is_empty_list))
    {
        // There are no empty lists in FHIR, but many a sender that has nothing to send makes one.
        bundle.remove("entry");
    }
    let mut findings = Findings { whole: Problems::new(), entries: vec![Problems::new(); resources.len()] };
    findings.structure(&bundle, kind);
    findings.prohibited(&bundle);
    let mut entries = Vec::with_capacity(resources.len());
    for (index, (entry, resource)) in bundle.items("entry").iter().zip(resources).enumerate() {
        let mut reader = Reader { index, entry, problems: Problems::new(), is_unknown_type: false };
        let read = reader.entry(resource);
        findings.add(index, &reader.problems);
        entries.push(if reader.is_unknown_type { Err(EntryError::UnknownType) } else { Ok(read) });
    }
    findings.full_urls(&bundle);
    if kind == Kind::Transaction {
        findings.identities(&entries);
    }
    findings.plan(kind, entries)
}

fn is_empty_list(value: &Json) -> bool {
    value.as_array().is_some_and(<[Json]>::is_empty)
}

fn kind(bundle: &Json) -> Result<Kind, ReadError> {
    let wrong = |path: &str, code, detail: &str| Err(ReadError::Invalid(Problems::one(path, code, detail)));
    match (bundle.text_at(&["resourceType"]), bundle.text_at(&["type"])) {
        (Some("Bundle"), Some("batch")) => Ok(Kind::Batch),
        (Some("Bundle"), Some("transaction")) => Ok(Kind::Transaction),
        (Some("Bundle"), Some("document" | "message" | "collection")) => wrong(
            "Bundle.type",
            ProblemCode::Unsupported,
            "a Bundle of this type is kept by a POST to Bundle, not here",
        ),
        (Some("Bundle"), Some("history" | "searchset" | "batch-response" | "transaction-response")) => {
            wrong("Bundle.type", ProblemCode::Unsupported, "must be batch or transaction to be processed here")
        }
        (Some("Bundle"), Some(_)) => wrong("Bundle.type", ProblemCode::CodeInvalid, "must be batch or transaction"),
        (Some("Bundle"), None) => wrong("Bundle.type", ProblemCode::Required, "is required"),
        _ => wrong("", ProblemCode::Structure, "must be a Bundle"),
    }
}

/// The resource of an entry; something small and valid stands in its place for the look at the Bundle itself.
fn take_resource(entry: &mut Json) -> Option<Json> {
    let stand_in =
        Object::new().with("resourceType", Json::string("Binary")).with("contentType", Json::string("text/plain"));
    let resource = entry.as_object_mut()?.get_mut("resource")?;
    Some(std::mem::replace(resource, stand_in.into()))
}

/// What is wrong, with the Bundle as a whole and with each entry.
struct Findings {
    whole: Problems,
    entries: Vec<Problems>,
}

impl Findings {
    fn add(&mut self, index: usize, problems: &Problems) {
        if let Some(of_entry) = self.entries.get_mut(index) {
            for problem in problems.iter() {
                of_entry.add(problem.path.as_str(), problem.code, problem.detail.as_str());
            }
        }
    }

    /// What the definitions say of the Bundle without the resources in it.
    fn structure(&mut self, bundle: &Json, kind: Kind) {
        let all = Limits { issues: usize::MAX, ..Limits::default() };
        let limits = if kind == Kind::Batch { all } else { Limits::default() };
        for issue in check(bundle, &limits).into_iter().filter(super::super::structure::Issue::is_error) {
            let problems = index_of(&issue.expression).and_then(|index| self.entries.get_mut(index));
            problems.unwrap_or(&mut self.whole).add(issue.expression, issue.code.into(), issue.diagnostics);
        }
    }

    /// What a request has no use for. R4 bundle.html#invs, bdl-1 to bdl-4; extensibility.html#modifierExtension.
    fn prohibited(&mut self, bundle: &Json) {
        if bundle.get("total").is_some() {
            self.whole.add("Bundle.total", ProblemCode::Invariant, "is for search results and histories (bdl-1)");
        }
        for (index, entry) in bundle.items("entry").iter().enumerate() {
            let mut problems = Problems::new();
            for (member, detail) in
                [("search", "is for search results (bdl-2)"), ("response", "is for answers and histories (bdl-4)")]
            {
                if entry.get(member).is_some() {
                    problems.add(format!("Bundle.entry[{index}].{member}"), ProblemCode::Invariant, detail);
                }
            }
            for (place, path) in [(Some(entry), ""), (entry.get("request"), ".request")] {
                if place.is_some_and(|place| place.get("modifierExtension").is_some()) {
                    let path = format!("Bundle.entry[{index}]{path}.modifierExtension");
                    problems.add(path, ProblemCode::Unsupported, "no modifier extension is understood here");
                }
            }
            self.add(index, &problems);
        }
    }

    /// R4 bundle.html#invs, bdl-7 and bdl-8.
    fn full_urls(&mut self, bundle: &Json) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (index, entry) in bundle.items("entry").iter().enumerate() {
            let Some(url) = entry.text_at(&["fullUrl"]) else { continue };
            let Some(problems) = self.entries.get_mut(index) else { continue };
            let path = || format!("Bundle.entry[{index}].fullUrl");
            match Target::parse(url) {
                Target::Absolute(_, literal) if literal.version.is_some() => {
                    problems.add(path(), ProblemCode::Invariant, "must not name a version (bdl-8)");
                }
                Target::Absolute(..) | Target::Urn(_) => {}
                Target::Other(other) if other.contains(':') => {}
                _ => problems.add(path(), ProblemCode::Value, "must be an absolute URL or a URN"),
            }
            match seen.get(url) {
                Some(first) => {
                    problems.add(
                        path(),
                        ProblemCode::Duplicate,
                        format!("is that of Bundle.entry[{first}] as well (bdl-7)"),
                    );
                }
                None => {
                    seen.insert(url, index);
                }
            }
        }
    }

    /// That no two entries of a transaction change one resource, as far as their URLs say. R4 http.html#trules.
    fn identities(&mut self, entries: &[Result<Entry, EntryError>]) {
        let mut seen: HashMap<(String, LogicalId), usize> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let Ok(entry) = entry else { continue };
            let (Action::Delete { instance: Instance::Id(id), .. }
            | Action::Update { instance: Instance::Id(id), .. }
            | Action::Patch { instance: Instance::Id(id), .. }) = &entry.action
            else {
                continue;
            };
            let key = (entry.resource_type.clone(), id.clone());
            match (seen.get(&key), self.entries.get_mut(index)) {
                (Some(first), Some(problems)) => {
                    let detail = format!("names the resource that Bundle.entry[{first}] changes as well");
                    problems.add(in_request(index, "url"), ProblemCode::Duplicate, detail);
                }
                _ => {
                    seen.insert(key, index);
                }
            }
        }
    }

    fn plan(mut self, kind: Kind, entries: Vec<Result<Entry, EntryError>>) -> Result<Plan, ReadError> {
        if kind == Kind::Transaction {
            let unknown = entries.iter().enumerate().filter(|(_, entry)| matches!(entry, Err(EntryError::UnknownType)));
            for (index, _) in unknown {
                let detail = UrlError::UnknownType.to_string();
                self.add(index, &Problems::one(in_request(index, "url"), ProblemCode::Unsupported, detail));
            }
            for problem in self.entries.iter().flat_map(Problems::iter) {
                self.whole.add(problem.path.as_str(), problem.code, problem.detail.as_str());
            }
            return self.whole.into_result(Plan { kind, entries }).map_err(ReadError::Invalid);
        }
        let entries = entries.into_iter().zip(self.entries);
        let entries = entries.map(|(entry, problems)| match problems.into_result(()) {
            Ok(()) => entry,
            Err(problems) => Err(entry.err().unwrap_or(EntryError::Invalid(problems))),
        });
        let plan = Plan { kind, entries: entries.collect() };
        self.whole.into_result(plan).map_err(ReadError::Invalid)
    }
}

/// The entry that `Bundle.entry[3].request.url` speaks of.
fn index_of(expression: &str) -> Option<usize> {
    expression.strip_prefix("Bundle.entry[")?.split_once(']')?.0.parse().ok()
}

/// Reads one entry. What it gives where there are problems is not used.
struct Reader<'a> {
    index: usize,
    entry: &'a Json,
    problems: Problems,
    is_unknown_type: bool,
}

impl Reader<'_> {
    fn entry(&mut self, resource: Option<Json>) -> Entry {
        let method = self.request("method").unwrap_or_default().to_owned();
        let url = self.request("url").unwrap_or_default().to_owned();
        if self.entry.get("request").is_none() {
            self.problem(format!("Bundle.entry[{}].request", self.index), ProblemCode::Required, "is required (bdl-3)");
        }
        let full_url = self.entry.text_at(&["fullUrl"]).map(str::to_owned);
        let nothing = Action::Search { query: String::new(), wants_body: false };
        let mut entry = Entry { index: self.index, full_url, resource_type: String::new(), action: nothing };
        if method.is_empty() || url.is_empty() {
            // The look at the structure has named it.
            return entry;
        }
        self.unused(&method, resource.is_some());
        let address = match url::address(&url) {
            Ok(address) => address,
            Err(UrlError::UnknownType) => {
                self.is_unknown_type = true;
                return entry;
            }
            Err(error) => {
                let code = if error.is_not_supported() { ProblemCode::Unsupported } else { ProblemCode::Value };
                self.problem(in_request(self.index, "url"), code, error.to_string());
                return entry;
            }
        };
        let (Address::Type(kind, _) | Address::Instance(kind, _) | Address::Version(kind, ..)) = address;
        kind.clone_into(&mut entry.resource_type);
        if let Some(action) = self.action(&method, kind, &address, resource) {
            entry.action = action;
        }
        entry
    }

    fn action(&mut self, method: &str, kind: &str, address: &Address<'_>, resource: Option<Json>) -> Option<Action> {
        let wants_body = method == "GET";
        Some(match (method, address) {
            ("GET" | "HEAD", Address::Type(_, query)) => {
                Action::Search { query: query.unwrap_or_default().to_owned(), wants_body }
            }
            ("GET" | "HEAD", Address::Instance(_, id)) => {
                Action::Read { id: id.clone(), version: None, cached: self.cached(), wants_body }
            }
            ("GET" | "HEAD", Address::Version(_, id, version)) => {
                Action::Read { id: id.clone(), version: Some(*version), cached: self.cached(), wants_body }
            }
            ("POST", Address::Type(_, None)) => {
                Action::Create { body: self.body(kind, None, resource)?, if_none_exist: self.if_none_exist(kind) }
            }
            ("PUT", address) => {
                let instance = self.instance(address)?;
                let id = match &instance {
                    Instance::Id(id) => Some(id),
                    Instance::Criteria(_) => None,
                };
                Action::Update { body: self.body(kind, id, resource)?, expected: self.expected(), instance }
            }
            ("PATCH", address) => Action::Patch {
                instance: self.instance(address)?,
                patch: self.patch(resource)?,
                expected: self.expected(),
            },
            ("DELETE", address) => Action::Delete { instance: self.instance(address)?, expected: self.expected() },
            ("POST", _) => {
                self.problem(in_request(self.index, "url"), ProblemCode::Value, "must be a type alone, as Patient");
                return None;
            }
            // The look at the structure has named a method that is none.
            _ => return None,
        })
    }

    /// What the method has no use for. R4 http.html.
    fn unused(&mut self, method: &str, has_resource: bool) {
        let is_read = matches!(method, "GET" | "HEAD");
        for (member, is_used) in [
            ("ifMatch", matches!(method, "PUT" | "PATCH" | "DELETE")),
            ("ifNoneMatch", is_read),
            ("ifModifiedSince", is_read),
            ("ifNoneExist", method == "POST"),
        ] {
            if !is_used && self.request(member).is_some() {
                let detail = "has no meaning with this method";
                self.problem(in_request(self.index, member), ProblemCode::Unsupported, detail);
            }
        }
        if has_resource && (is_read || method == "DELETE") {
            let detail = "has no meaning with this method";
            self.problem(in_resource(self.index, ""), ProblemCode::Unsupported, detail);
        }
    }

    fn body(&mut self, kind: &str, id: Option<&LogicalId>, resource: Option<Json>) -> Option<Json> {
        let body = self.resource(resource)?;
        match body.text_at(&["resourceType"]) {
            Some(named) if named == kind => {}
            Some(_) => self.resource_problem("resourceType", ProblemCode::Invariant, "is not the type in the URL"),
            None if body.as_object().is_none() => self.resource_problem("", ProblemCode::Structure, "is not an object"),
            None => self.resource_problem("resourceType", ProblemCode::Required, "is required"),
        }
        if let Some(id) = id {
            match body.text_at(&["id"]) {
                Some(named) if named == id.as_str() => {}
                Some(_) => self.resource_problem("id", ProblemCode::Invariant, "is not the id in the URL"),
                None => self.resource_problem("id", ProblemCode::Required, "is required in an update"),
            }
        }
        Some(body)
    }

    /// R4 http.html#patch: JSON Patch in a Binary, FHIRPath Patch as it is.
    fn patch(&mut self, resource: Option<Json>) -> Option<Patch> {
        let resource = self.resource(resource)?;
        match resource.text_at(&["resourceType"]) {
            Some("Parameters") => Some(Patch::FhirPath(resource)),
            Some("Binary") => {
                let kind = resource.text_at(&["contentType"]).unwrap_or_default();
                if kind.split(';').next().unwrap_or_default().trim() != "application/json-patch+json" {
                    let detail = "must be application/json-patch+json";
                    self.resource_problem("contentType", ProblemCode::Unsupported, detail);
                    return None;
                }
                let bytes = resource.text_at(&["data"]).and_then(|data| {
                    let packed: String = data.split_ascii_whitespace().collect();
                    STANDARD.decode(packed).ok()
                });
                let patch = bytes.and_then(|bytes| Json::parse(&bytes, &JsonLimits::default()).ok());
                if patch.is_none() {
                    self.resource_problem("data", ProblemCode::Value, "is not a JSON document in base64");
                }
                patch.map(Patch::Json)
            }
            _ => {
                let detail = "must be Binary or Parameters in a patch";
                self.resource_problem("resourceType", ProblemCode::Value, detail);
                None
            }
        }
    }

    fn resource(&mut self, resource: Option<Json>) -> Option<Json> {
        if resource.is_none() {
            self.resource_problem("", ProblemCode::Required, "is required with this method");
        }
        resource
    }

    fn instance(&mut self, address: &Address<'_>) -> Option<Instance> {
        match address {
            Address::Instance(_, id) => return Some(Instance::Id(id.clone())),
            Address::Type(_, Some(query)) if url::asks(query) => return Some(Instance::Criteria((*query).to_owned())),
            _ => {}
        }
        let detail = "must be Type/id or Type?criteria with this method";
        self.problem(in_request(self.index, "url"), ProblemCode::Value, detail);
        None
    }

    fn expected(&mut self) -> Option<Versions> {
        self.condition("ifMatch", "must be * or entity tags of versions, as W/\"3\"", url::versions)
    }

    fn cached(&mut self) -> Cached {
        let versions = self.condition("ifNoneMatch", "must be * or entity tags of versions, as W/\"3\"", url::versions);
        let since = self.condition("ifModifiedSince", "must be an instant", Timestamp::parse);
        Cached { versions, since }
    }

    fn if_none_exist(&mut self, kind: &str) -> Option<String> {
        let detail = "must be criteria, as identifier=system|value";
        self.condition("ifNoneExist", detail, |text| url::if_none_exist(kind, text).map(str::to_owned))
    }

    fn condition<T>(&mut self, member: &str, detail: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = parse(self.request(member)?);
        if value.is_none() {
            self.problem(in_request(self.index, member), ProblemCode::Value, detail);
        }
        value
    }

    fn request(&self, member: &str) -> Option<&str> {
        self.entry.text_at(&["request", member])
    }

    fn resource_problem(&mut self, path: &str, code: ProblemCode, detail: &str) {
        self.problem(in_resource(self.index, path), code, detail);
    }

    fn problem(&mut self, path: String, code: ProblemCode, detail: impl Into<String>) {
        self.problems.add(path, code, detail);
    }
}

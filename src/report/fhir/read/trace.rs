//! Keeps the books of a reading: which elements were carried over, what is lost, what is wrong, and from
//! where in the document each part of the report came.
//!
//! Elements are known by their address in the document, which does not move while it is read; their
//! FHIRPaths are written once, at the end.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::ptr;

use crate::base::{ProblemCode, Problems};
use crate::fhir::bundle::Resources;
use crate::fhir::{Json, Object, definitions};
use crate::report::Losses;

/// The books.
pub(super) struct Trace<'a> {
    resources: Resources<'a>,
    books: RefCell<Books>,
}

type Address = *const Json;

#[derive(Default)]
struct Books {
    carried: HashSet<Address>,
    notes: Vec<(Address, String)>,
    problems: Vec<(Option<Address>, ProblemCode, String)>,
    origins: Vec<(String, Address)>,
}

/// An element of the document, or a resource.
#[derive(Clone, Copy)]
pub(super) struct Element<'t, 'a> {
    pub(super) json: &'a Json,
    /// The entry that it is in.
    entry: usize,
    trace: &'t Trace<'a>,
}

impl<'a> Trace<'a> {
    pub(super) fn new(resources: Resources<'a>) -> Self {
        Self { resources, books: RefCell::default() }
    }

    /// The resources of this type, without those that are contained in others.
    pub(super) fn of_type(&self, resource_type: &str) -> Vec<Element<'_, 'a>> {
        self.resources
            .iter()
            .filter(|found| found.resource.text_at(&["resourceType"]) == Some(resource_type))
            .map(|found| Element { json: found.resource, entry: found.entry, trace: self })
            .collect()
    }

    /// Something that is wrong with the document as a whole.
    pub(super) fn problem(&self, code: ProblemCode, detail: impl Into<String>) {
        self.books.borrow_mut().problems.push((None, code, detail.into()));
    }

    /// Everything that was not carried, and everything that is wrong. `checked` are problems of the report
    /// that was made, whose paths become those of the document.
    pub(super) fn close(self, checked: Option<&Problems>) -> Result<Losses, Problems> {
        let books = self.books.into_inner();
        let mut walk = Walk::new(&books);
        for found in self.resources.iter() {
            walk.path = self.resources.path(found.entry);
            walk.resource(found.resource);
        }
        let mut problems = Problems::new();
        for (address, code, detail) in &books.problems {
            let path = address.and_then(|address| walk.paths.get(&address).cloned()).unwrap_or_default();
            problems.add(path, *code, detail.clone());
        }
        for problem in checked.into_iter().flat_map(Problems::iter) {
            let origin = books
                .origins
                .iter()
                .filter(|(path, _)| covers(path, &problem.path))
                .max_by_key(|(path, _)| path.len())
                .and_then(|(_, address)| walk.paths.get(address).cloned());
            problems.add(origin.unwrap_or_default(), problem.code, format!("{} ({})", problem.detail, problem.path));
        }
        let mut losses = Losses::new();
        for (address, detail) in &books.notes {
            losses.add(walk.paths.get(address).cloned().unwrap_or_default(), detail.clone());
        }
        for (path, detail) in walk.lost {
            losses.add(path, detail);
        }
        if walk.more > 0 {
            losses.add("", format!("{} more elements are not carried", walk.more));
        }
        problems.into_result(losses)
    }
}

/// Whether a path in the report is that of a part or lies within it.
fn covers(part: &str, path: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl<'a> Element<'_, 'a> {
    /// A child, without carrying it.
    pub(super) fn child(self, key: &str) -> Option<Self> {
        Some(Self { json: self.json.get(key)?, ..self })
    }

    /// The items of a repeating child, without carrying them.
    pub(super) fn children(self, key: &str) -> impl DoubleEndedIterator<Item = Self> {
        self.json.items(key).iter().map(move |json| Self { json, ..self })
    }

    /// The text of a child, which is carried.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        let child = self.child(key)?;
        let text = child.json.as_str()?;
        child.carry();
        Some(text)
    }

    /// The text of a child, which is not carried yet.
    pub(super) fn peek(self, key: &str) -> Option<&'a str> {
        self.json.get(key)?.as_str()
    }

    /// The element and all in it has been carried, or says nothing that the report does not.
    pub(super) fn carry(self) {
        self.trace.books.borrow_mut().carried.insert(ptr::from_ref(self.json));
    }

    /// The same of a child.
    pub(super) fn carry_child(self, key: &str) {
        if let Some(child) = self.child(key) {
            child.carry();
        }
    }

    /// The element is lost, or not carried as it is, in a way that wants a word.
    pub(super) fn lose(self, detail: impl Into<String>) {
        self.carry();
        self.remark(detail);
    }

    /// A word on an element whose parts are looked at one by one.
    pub(super) fn remark(self, detail: impl Into<String>) {
        self.trace.books.borrow_mut().notes.push((ptr::from_ref(self.json), detail.into()));
    }

    /// The element is wrong.
    pub(super) fn problem(self, code: ProblemCode, detail: impl Into<String>) {
        self.trace.books.borrow_mut().problems.push((Some(ptr::from_ref(self.json)), code, detail.into()));
    }

    /// The part of the report at `path` comes from here.
    pub(super) fn becomes(self, path: impl Into<String>) {
        self.trace.books.borrow_mut().origins.push((path.into(), ptr::from_ref(self.json)));
    }

    /// What a Reference points at, if it is in the document; the link is carried then.
    pub(super) fn resolve(self) -> Option<Self> {
        let found = self.target()?;
        self.carry_child("reference");
        self.carry_child("type");
        Some(found)
    }

    /// What a Reference points at, if it is in the document; the link is not carried yet.
    pub(super) fn target(self) -> Option<Self> {
        let found = self.trace.resources.resolve(self.entry, self.peek("reference")?)?;
        Some(Self { json: found.resource, entry: found.entry, trace: self.trace })
    }

    /// One of our extensions.
    pub(super) fn extension(self, name: &str) -> Option<Self> {
        definitions::extension(Some(self.json), name).map(|json| Self { json, ..self })
    }

    /// All of our extensions with this name.
    pub(super) fn extensions(self, name: &str) -> impl Iterator<Item = Self> {
        definitions::extensions(Some(self.json), name).map(move |json| Self { json, ..self })
    }

    /// A part of an extension.
    pub(super) fn part(self, name: &str) -> Option<Self> {
        definitions::part(Some(self.json), name).map(|json| Self { json, ..self })
    }

    /// The text of a part of an extension.
    pub(super) fn part_text(self, name: &str, key: &str) -> Option<&'a str> {
        self.part(name)?.peek(key)
    }

    pub(super) fn resource_type(self) -> Option<&'a str> {
        self.peek("resourceType")
    }

    /// Whether both are the same place in the document.
    pub(super) fn is_same(self, other: Self) -> bool {
        ptr::eq(self.json, other.json)
    }

    pub(super) fn address(self) -> *const Json {
        ptr::from_ref(self.json)
    }
}

/// The last walk through the document: writes the paths that are asked for and lists what is lost.
struct Walk<'b> {
    carried: &'b HashSet<Address>,
    wanted: HashSet<Address>,
    paths: HashMap<Address, String>,
    lost: Vec<(String, String)>,
    more: usize,
    path: String,
}

impl<'b> Walk<'b> {
    fn new(books: &'b Books) -> Self {
        let noted = books.notes.iter().map(|(address, _)| *address);
        let wrong = books.problems.iter().filter_map(|(address, _, _)| *address);
        let origins = books.origins.iter().map(|(_, address)| *address);
        Self {
            carried: &books.carried,
            wanted: noted.chain(wrong).chain(origins).collect(),
            paths: HashMap::new(),
            lost: Vec::new(),
            more: 0,
            path: String::new(),
        }
    }

    /// A resource, whose path is the present one.
    fn resource(&mut self, resource: &Json) {
        self.remember(resource);
        let before = (self.lost.len(), self.more);
        let mut any = false;
        for (key, value) in resource.as_object().into_iter().flat_map(Object::iter) {
            any |= match key {
                "resourceType" | "id" => false,
                "text" if value.text_at(&["status"]) == Some("generated") => false,
                "meta" => self.at(format_args!(".meta"), |walk| walk.meta(value)),
                "contained" => {
                    for (index, contained) in value.as_array().unwrap_or_default().iter().enumerate() {
                        self.at(format_args!(".contained[{index}]"), |walk| walk.resource(contained));
                    }
                    false
                }
                _ => self.member(key, value),
            };
        }
        if self.is_carried(resource) {
            self.forget(before);
        } else if !any {
            self.forget(before);
            let name = resource.text_at(&["resourceType"]).unwrap_or("the resource");
            self.lose(&format!("{name} is not carried"));
        }
    }

    /// What a resource says of itself as a record (its version, where it comes from, the profiles that it
    /// claims) is not content; labels and tags are.
    fn meta(&mut self, meta: &Json) -> bool {
        let mut any = false;
        for (key, value) in meta.as_object().into_iter().flat_map(Object::iter) {
            if !matches!(key, "versionId" | "lastUpdated" | "source" | "profile") {
                any |= self.member(key, value);
            }
        }
        any
    }

    /// A member. The extensions of a primitive value are at the value's own path.
    fn member(&mut self, key: &str, value: &Json) -> bool {
        let name = key.strip_prefix('_').unwrap_or(key);
        self.at(format_args!(".{name}"), |walk| walk.element(value))
    }

    /// An element, whose path is the present one; whether it or anything in it is carried. What is lost
    /// as a whole is one loss.
    fn element(&mut self, json: &Json) -> bool {
        self.remember(json);
        let before = (self.lost.len(), self.more);
        let mut any = false;
        match json {
            Json::Object(object) => {
                for (key, value) in object.iter() {
                    any |= self.member(key, value);
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    any |= self.at(format_args!("[{index}]"), |walk| walk.element(item));
                }
            }
            _ => {}
        }
        if self.is_carried(json) {
            self.forget(before);
            return true;
        }
        if !any && !matches!(json, Json::Array(_) | Json::Null) {
            self.forget(before);
            self.lose("is not carried");
        }
        any
    }

    /// Does something one step deeper.
    fn at<T>(&mut self, step: fmt::Arguments<'_>, act: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        let _never_fails = self.path.write_fmt(step);
        let result = act(self);
        self.path.truncate(length);
        result
    }

    fn is_carried(&self, json: &Json) -> bool {
        self.carried.contains(&ptr::from_ref(json))
    }

    fn remember(&mut self, json: &Json) {
        let address = ptr::from_ref(json);
        if self.wanted.contains(&address) {
            self.paths.insert(address, self.path.clone());
        }
    }

    fn lose(&mut self, detail: &str) {
        if self.lost.len() < MOST_LOSSES {
            self.lost.push((self.path.clone(), detail.to_owned()));
        } else {
            self.more += 1;
        }
    }

    fn forget(&mut self, before: (usize, usize)) {
        self.lost.truncate(before.0);
        self.more = before.1;
    }
}

/// How many lost elements are listed one by one; the others are counted.
const MOST_LOSSES: usize = 10_000;

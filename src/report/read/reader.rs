//! The reader's hands: it takes values out of the document and notes what is wrong with each.

use std::collections::HashMap;

use crate::base::id::IdError;
use crate::base::{Date, Decimal, ProblemCode, Problems, TimeOfDay, Uid};
use crate::fhir::{Json, Object};

use super::path::Path;
use super::text::{self, Flaw};
use super::{ReportLimits, image::SeenImage};

/// Collects problems while a document is read. A function that answers `None` for a value that is there
/// has noted why.
pub(super) struct Reader<'l> {
    pub(super) limits: &'l ReportLimits,
    problems: Problems,
    /// Where each image was named first, with its series and SOP class.
    pub(super) images: HashMap<Uid, SeenImage>,
}

impl<'l> Reader<'l> {
    pub(super) fn new(limits: &'l ReportLimits) -> Self {
        Self { limits, problems: Problems::new(), images: HashMap::new() }
    }

    /// The problems so far.
    pub(super) fn into_problems(self) -> Problems {
        self.problems
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, path: &Path<'_>, code: ProblemCode, detail: impl Into<String>) {
        self.problems.add(path.to_string(), code, detail);
    }

    /// Notes that a value is of the wrong JSON type.
    pub(super) fn wrong_type(&mut self, json: &Json, path: &Path<'_>, wanted: &str) {
        let detail = match json {
            Json::Null => "must be left out rather than null".to_owned(),
            _ => format!("must be {wanted}"),
        };
        self.problem(path, ProblemCode::Structure, detail);
    }

    /// The object here. Members that are not among `known` are problems.
    pub(super) fn object<'j, 'p>(
        &mut self,
        json: &'j Json,
        path: &'p Path<'p>,
        known: &[&str],
    ) -> Option<Members<'j, 'p>> {
        let Some(object) = json.as_object() else {
            self.wrong_type(json, path, "an object");
            return None;
        };
        for (name, _) in object.iter().filter(|(name, _)| !known.contains(name)) {
            if is_plain_name(name) {
                self.problem(&path.member(name), ProblemCode::Structure, "is not a member that exists here");
            } else {
                self.problem(path, ProblemCode::Structure, "has a member that does not exist here");
            }
        }
        Some(Members { object, path })
    }

    /// The string here.
    pub(super) fn string<'j>(&mut self, json: &'j Json, path: &Path<'_>) -> Option<&'j str> {
        let text = json.as_str();
        if text.is_none() {
            self.wrong_type(json, path, "a string");
        }
        text
    }

    /// The string here after a rule of text.
    pub(super) fn text(
        &mut self,
        json: &Json,
        path: &Path<'_>,
        rule: impl FnOnce(&str) -> Result<String, Flaw>,
    ) -> Option<String> {
        match rule(self.string(json, path)?) {
            Ok(text) => Some(text),
            Err(flaw) => {
                self.problem(path, flaw.code(), flaw.detail());
                None
            }
        }
    }

    /// One of the values of a list of codes.
    pub(super) fn code<T: Copy>(
        &mut self,
        json: &Json,
        path: &Path<'_>,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.string(json, path)?;
        let found = all.iter().copied().find(|value| name(*value) == text);
        if found.is_none() {
            let names: Vec<&str> = all.iter().map(|value| name(*value)).collect();
            self.problem(path, ProblemCode::CodeInvalid, format!("must be one of {}", names.join(", ")));
        }
        found
    }

    /// Reads the items of an array, at most `max` of them.
    pub(super) fn items<T>(
        &mut self,
        json: &Json,
        path: &Path<'_>,
        max: usize,
        mut read: impl FnMut(&mut Self, &Json, &Path<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = json.as_array() else {
            self.wrong_type(json, path, "an array");
            return None;
        };
        if items.len() > max {
            self.problem(path, ProblemCode::TooLong, format!("must not have more than {max} items"));
        }
        let indexed = items.iter().take(max).enumerate();
        Some(indexed.filter_map(|(index, item)| read(self, item, &path.index(index))).collect())
    }

    /// Notes the id of an item, and a problem if an earlier item has the same. `seen` holds where each id
    /// was met first.
    pub(super) fn note_id(&mut self, id: &str, path: &Path<'_>, seen: &mut HashMap<String, String>) {
        match seen.get(id) {
            Some(first) => {
                let detail = format!("is the same as {first}");
                self.problem(path, ProblemCode::Duplicate, detail);
            }
            None => {
                seen.insert(id.to_owned(), path.to_string());
            }
        }
    }
}

/// The members of an object and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Members<'j, 'p> {
    object: &'j Object,
    pub(super) path: &'p Path<'p>,
}

impl Members<'_, '_> {
    /// Whether the member is there, right or wrong.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some()
    }

    /// How many members there are.
    pub(super) fn is_empty(&self) -> bool {
        self.object.is_empty()
    }

    /// The member, if it is there.
    pub(super) fn optional<'l, T>(
        &self,
        reader: &mut Reader<'l>,
        name: &str,
        read: impl FnOnce(&mut Reader<'l>, &Json, &Path<'_>) -> Option<T>,
    ) -> Option<T> {
        read(reader, self.object.get(name)?, &self.path.member(name))
    }

    /// The member; it is a problem if it is not there.
    pub(super) fn required<'l, T>(
        &self,
        reader: &mut Reader<'l>,
        name: &str,
        read: impl FnOnce(&mut Reader<'l>, &Json, &Path<'_>) -> Option<T>,
    ) -> Option<T> {
        if !self.has(name) {
            reader.problem(&self.path.member(name), ProblemCode::Required, "is required");
        }
        self.optional(reader, name, read)
    }
}

/// A line that DICOM can hold as LO or SH, of at most `max` characters.
pub(super) fn dicom_line(max: usize) -> impl Fn(&mut Reader<'_>, &Json, &Path<'_>) -> Option<String> {
    move |reader, json, path| reader.text(json, path, |text| text::dicom_line(text, max))
}

/// A line of at most `max` characters.
pub(super) fn line(max: usize) -> impl Fn(&mut Reader<'_>, &Json, &Path<'_>) -> Option<String> {
    move |reader, json, path| reader.text(json, path, |text| text::line(text, max))
}

/// Lines of at most `max` characters together.
pub(super) fn block(max: usize) -> impl Fn(&mut Reader<'_>, &Json, &Path<'_>) -> Option<String> {
    move |reader, json, path| reader.text(json, path, |text| text::block(text, max))
}

/// A date that exists.
pub(super) fn date(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Date> {
    let date = Date::parse(reader.string(json, path)?);
    if date.is_none() {
        reader.problem(path, ProblemCode::Value, "must be a date that exists, in the form YYYY-MM-DD");
    }
    date
}

/// A time of day.
pub(super) fn time(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<TimeOfDay> {
    let time = TimeOfDay::parse(reader.string(json, path)?);
    if time.is_none() {
        reader.problem(path, ProblemCode::Value, "must be a time of day in the form HH:MM:SS or HH:MM:SS.ffffff");
    }
    time
}

/// A DICOM UID.
pub(super) fn uid(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Uid> {
    match Uid::parse(reader.string(json, path)?) {
        Ok(uid) => Some(uid),
        Err(error) => {
            reader.problem(path, id_problem(&error), error.to_string());
            None
        }
    }
}

/// The kind of problem that an identifier has.
pub(super) fn id_problem(error: &IdError) -> ProblemCode {
    match error {
        IdError::Empty => ProblemCode::Required,
        IdError::TooLong { .. } => ProblemCode::TooLong,
        IdError::Form(_) => ProblemCode::Value,
    }
}

/// A decimal, as a string or as a JSON number.
pub(super) fn decimal(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Decimal> {
    let Some(text) = json.as_str().or_else(|| json.as_number()) else {
        reader.wrong_type(json, path, "a decimal, as a string or a number");
        return None;
    };
    let decimal = Decimal::parse(text);
    if decimal.is_none() {
        let rule = "must be a decimal of at most 40 characters, without exponent, leading zeros or signed zero";
        reader.problem(path, ProblemCode::Value, rule);
    }
    decimal
}

/// Whether a member's name may stand in a problem: a stranger's name could be anything.
fn is_plain_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte))
}

//! JSON documents that keep what they came with: the text of numbers (`1.50` stays `1.50`) and the
//! order of members. Reading is strict (R4 json.html): duplicate keys, lone surrogates, invalid UTF-8,
//! control characters and anything behind the document are errors, and depth and size have limits.

mod parse;
mod write;

pub use parse::{JsonError, JsonErrorKind, JsonLimits};

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written (RFC 8259 §6).
    Number(Box<str>),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

/// The members of a JSON object in the order in which they came. Keys are unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    members: Vec<(String, Json)>,
}

impl Json {
    /// Reads a document. Errors name the byte offset and never repeat the input.
    pub fn parse(bytes: &[u8], limits: &JsonLimits) -> Result<Self, JsonError> {
        parse::document(bytes, limits)
    }

    /// What `value` serialises to. Numbers get the text that `serde_json` gives them, so measured
    /// decimals are put in afterwards as [`Json::Number`].
    pub fn from_serialize<T: serde::Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_vec(value)?;
        Self::parse(&text, &JsonLimits::default()).map_err(serde::ser::Error::custom)
    }

    /// A string value.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// An integer value.
    pub fn integer(value: i64) -> Self {
        Self::Number(value.to_string().into())
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, if it is one, to be changed.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the number, if it is one.
    pub fn as_number(&self) -> Option<&str> {
        match self {
            Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The member `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The value at a path of member names and array indexes: `["identifier", "0", "value"]`.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, step| match value {
            Self::Object(object) => object.get(step),
            Self::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        })
    }

    /// The text at a path.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The items of the array member `key`; none if there is no such array.
    pub fn items(&self, key: &str) -> &[Self] {
        self.get(key).and_then(Self::as_array).unwrap_or_default()
    }

    /// Compact JSON text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write::compact(self, &mut out);
        out
    }

    /// JSON text with two spaces a level, for `_pretty=true`.
    pub fn to_pretty(&self) -> String {
        let mut out = String::new();
        write::pretty(self, 0, &mut out);
        out.push('\n');
        out
    }

    /// The canonical form of RFC 8785 (JCS) with one difference: numbers keep their text, because
    /// `1.50` and `1.5` are not the same measurement. Members are sorted by UTF-16 code units.
    pub fn to_canonical(&self) -> String {
        let mut out = String::new();
        write::canonical(self, &mut out);
        out
    }
}

impl Object {
    /// Without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.members.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets `key`, in its place if it exists, else at the end. Returns the former value.
    pub fn set(&mut self, key: impl Into<String>, value: Json) -> Option<Json> {
        let key = key.into();
        match self.get_mut(&key) {
            Some(old) => Some(std::mem::replace(old, value)),
            None => {
                self.members.push((key, value));
                None
            }
        }
    }

    /// This object with `key` set; for building.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: Json) -> Self {
        self.set(key, value);
        self
    }

    /// This object with `key` set to a text if there is one; for building.
    #[must_use]
    pub fn with_text(self, key: impl Into<String>, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, Json::string(value)),
            None => self,
        }
    }

    /// This object with `key` set if there is an item; for building. FHIR has no empty arrays.
    #[must_use]
    pub fn with_items(self, key: impl Into<String>, items: Vec<Json>) -> Self {
        if items.is_empty() { self } else { self.with(key, Json::Array(items)) }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let index = self.members.iter().position(|(name, _)| name == key)?;
        Some(self.members.remove(index).1)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The members in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json)> {
        self.members.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl FromIterator<(String, Json)> for Object {
    /// Keeps the last value of a key that comes twice.
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.set(key, value);
        }
        object
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_text())
    }
}

#[cfg(test)]
mod tests;

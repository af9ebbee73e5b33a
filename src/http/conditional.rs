//! Entity tags and conditional requests. RFC 9110 §8.8.3 and §13; R4 http.html#concurrency.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName, HeaderValue, HttpDate};

use crate::base::{ProblemCode, Timestamp, VersionId};

use super::HttpError;

/// An entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag {
    /// Whether it only says that two things mean the same.
    pub is_weak: bool,
    /// The opaque text between the quotes.
    pub tag: String,
}

/// What `If-Match` asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: that there is any version.
    Any,
    /// That the current version is one of these.
    Versions(Vec<VersionId>),
}

impl EntityTag {
    /// The weak tag of a version, `W/"3"`.
    pub fn of_version(version: VersionId) -> Self {
        Self { is_weak: true, tag: version.to_string() }
    }

    /// A strong tag, for bytes that never change under it; `digest` is hexadecimal.
    pub fn strong(digest: impl Into<String>) -> Self {
        Self { is_weak: false, tag: digest.into() }
    }

    /// The field value.
    pub fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.to_string()).ok()
    }

    /// One tag at the beginning of `text`, and what follows it.
    fn take(text: &str) -> Option<(Self, &str)> {
        let (is_weak, text) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (tag, rest) = text.strip_prefix('"')?.split_once('"')?;
        let plain = tag.bytes().all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80);
        plain.then(|| (Self { is_weak, tag: tag.to_owned() }, rest))
    }

    /// RFC 9110 §8.8.3.2.
    fn is_strongly(&self, other: &Self) -> bool {
        !self.is_weak && !other.is_weak && self.tag == other.tag
    }
}

impl std::fmt::Display for EntityTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefix = if self.is_weak { "W/" } else { "" };
        write!(f, "{prefix}\"{}\"", self.tag)
    }
}

impl IfMatch {
    /// The versions that the request may change; `None` if it does not say. A field that does not name
    /// versions of ours is malformed, not a mismatch.
    pub fn of(request: &HttpRequest) -> Result<Option<Self>, HttpError> {
        let malformed =
            || HttpError::invalid("If-Match", ProblemCode::Value, "must be * or entity tags of versions, as W/\"3\"");
        match tags(request, &header::IF_MATCH).map_err(|_malformed| malformed())? {
            None => Ok(None),
            Some(Tags::Any) => Ok(Some(Self::Any)),
            Some(Tags::Some(tags)) => {
                let versions = tags.iter().map(|tag| VersionId::parse(&tag.tag)).collect::<Option<Vec<_>>>();
                versions.map(|versions| Some(Self::Versions(versions))).ok_or_else(malformed)
            }
        }
    }

    /// As [`IfMatch::of`], where the request must say.
    pub fn required(request: &HttpRequest) -> Result<Self, HttpError> {
        Self::of(request)?.ok_or(HttpError::PreconditionRequired)
    }

    /// Whether `current` is asked for.
    pub fn admits(&self, current: VersionId) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&current),
        }
    }
}

/// Whether the client already has what carries `tag` and was last changed at `modified`: then the answer
/// to GET and HEAD is 304. `If-None-Match` outweighs `If-Modified-Since`. RFC 9110 §13.2.2.
pub fn is_not_modified(request: &HttpRequest, tag: &EntityTag, modified: Option<Timestamp>) -> bool {
    match tags(request, &header::IF_NONE_MATCH) {
        Ok(Some(Tags::Any)) => true,
        Ok(Some(Tags::Some(known))) => known.iter().any(|known| known.tag == tag.tag),
        Err(Malformed) => false,
        Ok(None) => match (date(request, &header::IF_MODIFIED_SINCE), modified) {
            (Some(since), Some(modified)) => seconds(modified) <= since,
            _ => false,
        },
    }
}

/// Whether the bytes that the client has a part of are still those of `tag`. RFC 9110 §13.1.5.
pub(super) fn is_same_for_range(request: &HttpRequest, tag: &EntityTag, modified: Option<Timestamp>) -> bool {
    let Some(value) = request.headers().get(header::IF_RANGE) else {
        return true;
    };
    match value.to_str().ok().and_then(EntityTag::take) {
        Some((known, "")) => known.is_strongly(tag),
        _ => match (date(request, &header::IF_RANGE), modified) {
            (Some(since), Some(modified)) => seconds(modified) == since,
            _ => false,
        },
    }
}

/// The `Last-Modified` field value of an instant. RFC 9110 §8.8.2.
pub fn last_modified(at: Timestamp) -> Option<HeaderValue> {
    let time = std::time::SystemTime::UNIX_EPOCH
        .checked_add(std::time::Duration::from_secs(u64::try_from(seconds(at)).ok()?))?;
    HeaderValue::from_str(&HttpDate::from(time).to_string()).ok()
}

enum Tags {
    Any,
    Some(Vec<EntityTag>),
}

/// A field of tags is not one.
struct Malformed;

fn tags(request: &HttpRequest, name: &HeaderName) -> Result<Option<Tags>, Malformed> {
    let mut found = Vec::new();
    let mut any = false;
    let mut present = false;
    for value in request.headers().get_all(name) {
        present = true;
        let mut rest = value.to_str().map_err(|_error| Malformed)?.trim();
        if rest == "*" {
            any = true;
            continue;
        }
        loop {
            let (tag, behind) = EntityTag::take(rest).ok_or(Malformed)?;
            found.push(tag);
            let behind = behind.trim_start();
            if behind.is_empty() {
                break;
            }
            rest = behind.strip_prefix(',').ok_or(Malformed)?.trim_start();
        }
    }
    match (present, any, found.is_empty()) {
        (false, _, _) => Ok(None),
        (true, true, true) => Ok(Some(Tags::Any)),
        (true, false, false) => Ok(Some(Tags::Some(found))),
        _ => Err(Malformed),
    }
}

fn date(request: &HttpRequest, name: &HeaderName) -> Option<i64> {
    let date: HttpDate = request.headers().get(name)?.to_str().ok()?.parse().ok()?;
    let since = std::time::SystemTime::from(date).duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn request(fields: &[(HeaderName, &str)]) -> HttpRequest {
        let mut request = TestRequest::get();
        for (name, value) in fields {
            request = request.append_header((name.clone(), *value));
        }
        request.to_http_request()
    }

    #[test]
    fn if_match_names_versions() {
        let read = |values: &[&str]| {
            IfMatch::of(&request(&values.iter().map(|value| (header::IF_MATCH, *value)).collect::<Vec<_>>()))
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(Some(IfMatch::Any)));
        assert_eq!(read(&["W/\"3\""]), Ok(Some(IfMatch::Versions(vec![VersionId(3)]))));
        assert_eq!(read(&["\"3\" , W/\"4\""]), Ok(Some(IfMatch::Versions(vec![VersionId(3), VersionId(4)]))));
        assert_eq!(read(&["\"3\"", "\"4\""]), Ok(Some(IfMatch::Versions(vec![VersionId(3), VersionId(4)]))));
        for bad in ["", "3", "\"3", "W/3", "w/\"3\"", "\"x\"", "\"0\"", "\"3\",", "\"3\" \"4\"", "*, \"3\"", "\"\""] {
            assert!(matches!(read(&[bad]), Err(HttpError::Invalid(_))), "{bad}");
        }
        assert!(read(&["*", "\"3\""]).is_err());
        assert_eq!(IfMatch::required(&request(&[])), Err(HttpError::PreconditionRequired));
        assert!(IfMatch::Any.admits(VersionId(9)));
        assert!(!IfMatch::Versions(vec![VersionId(3)]).admits(VersionId(4)));
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let tag = EntityTag::of_version(VersionId(3));
        let modified = Timestamp::parse("2026-02-03T04:05:06.789Z").expect("valid");
        let unchanged = |fields: &[(HeaderName, &str)]| is_not_modified(&request(fields), &tag, Some(modified));
        assert!(unchanged(&[(header::IF_NONE_MATCH, "W/\"3\"")]));
        assert!(unchanged(&[(header::IF_NONE_MATCH, "\"2\", \"3\"")]));
        assert!(unchanged(&[(header::IF_NONE_MATCH, "*")]));
        assert!(!unchanged(&[(header::IF_NONE_MATCH, "W/\"2\"")]));
        assert!(!unchanged(&[(header::IF_NONE_MATCH, "nonsense")]));
        assert!(unchanged(&[(header::IF_MODIFIED_SINCE, "Tue, 03 Feb 2026 04:05:06 GMT")]));
        assert!(!unchanged(&[(header::IF_MODIFIED_SINCE, "Tue, 03 Feb 2026 04:05:05 GMT")]));
        assert!(!unchanged(&[(header::IF_MODIFIED_SINCE, "yesterday")]));
        let both = [(header::IF_NONE_MATCH, "W/\"2\""), (header::IF_MODIFIED_SINCE, "Tue, 03 Feb 2026 04:05:06 GMT")];
        assert!(!unchanged(&both), "the tag outweighs the date");
        assert!(!unchanged(&[]));
        assert_eq!(last_modified(modified).expect("a value"), "Tue, 03 Feb 2026 04:05:06 GMT");
    }

    proptest! {
        #[test]
        fn any_field_is_read_without_panic(value in "[ -~]{0,30}") {
            let request = request(&[(header::IF_MATCH, &value), (header::IF_NONE_MATCH, &value), (header::IF_RANGE, &value)]);
            let tag = EntityTag::of_version(VersionId(3));
            let _ = (IfMatch::of(&request), is_not_modified(&request, &tag, None), is_same_for_range(&request, &tag, None));
        }

        #[test]
        fn a_tag_survives_its_field(version in 1_i32..) {
            let tag = EntityTag::of_version(VersionId(version));
            let request = request(&[(header::IF_MATCH, &tag.to_string())]);
            prop_assert_eq!(IfMatch::of(&request), Ok(Some(IfMatch::Versions(vec![VersionId(version)]))));
        }
    }
}

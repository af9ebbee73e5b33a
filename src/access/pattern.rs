//! Patterns of requests that are passed on to another system: a method and a path, of which nothing but the named
//! form goes through.

/// A method and a path with places for any segment, as `GET /studies/*/archive` or `GET /studies/**`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    method: String,
    segments: Vec<String>,
    /// Whether at least one more segment follows, and any number may.
    is_open: bool,
}

impl PathPattern {
    /// Parses a pattern. `None` if it is none, or if no path could ever fit it.
    pub fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.split_once(' ')?;
        if !["GET", "POST", "PUT", "DELETE"].contains(&method) {
            return None;
        }
        let mut segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let is_open = segments.last() == Some(&"**");
        if is_open {
            segments.pop();
        }
        let fits = segments.iter().all(|segment| *segment == "*" || is_plain(segment));
        let segments: Vec<String> = segments.into_iter().map(str::to_owned).collect();
        (fits && !segments.is_empty()).then(|| Self { method: method.to_owned(), segments, is_open })
    }

    /// Whether a request has this form. HEAD is a GET here.
    pub fn fits(&self, method: &str, segments: &[&str]) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        let (count, named) = (segments.len(), self.segments.len());
        let is_long_enough = if self.is_open { count > named } else { count == named };
        let is_same = |(own, other): (&String, &&str)| own == "*" || own == other;
        self.method == method && is_long_enough && self.segments.iter().zip(segments).all(is_same)
    }
}

/// The segments of a path as it stands in a request, without the slash that it begins with. `None` where it says
/// anything in a roundabout way: escapes, dots, empty segments.
pub fn plain_segments(path: &str) -> Option<Vec<&str>> {
    let segments: Vec<&str> = path.split('/').collect();
    segments.iter().all(|segment| is_plain(segment)).then_some(segments)
}

/// Whether a segment is what it looks like: unreserved characters (RFC 3986 §2.3) alone, and neither `.` nor `..`.
fn is_plain(segment: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !segment.is_empty() && segment.bytes().all(unreserved) && !segment.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, method: &str, path: &str) -> bool {
        let pattern = PathPattern::parse(pattern).expect("is a pattern");
        plain_segments(path).is_some_and(|segments| pattern.fits(method, &segments))
    }

    #[test]
    fn a_pattern_fits_what_it_names() {
        assert!(fits("GET /system", "GET", "system"));
        assert!(fits("GET /system", "HEAD", "system"));
        assert!(!fits("GET /system", "POST", "system"));
        assert!(!fits("GET /system", "GET", "system/x"));
        assert!(fits("GET /studies/*/archive", "GET", "studies/a-b/archive"));
        assert!(!fits("GET /studies/*/archive", "GET", "studies/a-b/media"));
        assert!(fits("GET /studies/**", "GET", "studies/a/b/c"));
        assert!(!fits("GET /studies/**", "GET", "studies"));
    }

    #[test]
    fn roundabout_paths_fit_nothing() {
        for path in [
            "instances/../tools/execute-script",
            "instances/%2e%2e/tools",
            "instances/a%2Fb",
            "instances//a",
            "instances/a/",
            "instances/.",
            "instances/...",
            "instances/a;b",
            "instances/a\\b",
            "instances/ä",
            "",
        ] {
            assert_eq!(plain_segments(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "GET", "GET system", "get /system", "GET /", "GET /**", "PATCH /a", "GET /a/**/b", "GET /a%20"]
        {
            assert_eq!(PathPattern::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}", path in "\\PC{0,40}") {
            let segments = plain_segments(&path);
            if let (Some(pattern), Some(segments)) = (PathPattern::parse(&pattern), segments) {
                let _ = pattern.fits("GET", &segments);
            }
        }
    }
}

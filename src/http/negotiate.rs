//! Media types: what the client takes, and which of what we have it gets. RFC 9110 §12.5.1.

use actix_web::HttpRequest;
use actix_web::http::header;

use super::HttpError;

/// A media type with its parameters, names in lower case. RFC 9110 §8.3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

/// What a client wants of a FHIR answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FhirFormat {
    /// Indented, for people.
    pub is_pretty: bool,
}

impl MediaType {
    /// Parses `type/subtype; name=value; name="value"`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = split_outside_quotes(text, ';');
        let essence = parts.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parameters = Vec::new();
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            parameters.push((name.trim().to_ascii_lowercase(), unquote(value.trim())?));
        }
        Some(Self { essence, parameters })
    }

    /// `type/subtype` in lower case.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The value of a parameter; its name in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// How well this range of an Accept field fits an offered type: 3 the type itself, 2 `type/*`, 1 `*/*`.
    fn fits(&self, offer: &str) -> Option<u8> {
        if self.essence == offer {
            return Some(3);
        }
        match self.essence.strip_suffix("/*") {
            Some("*") => Some(1),
            Some(kind) => offer.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')).then_some(2),
            None => None,
        }
    }

    /// The weight in thousandths. RFC 9110 §12.4.2; one that is not a weight counts as none.
    fn weight(&self) -> u16 {
        let Some(text) = self.parameter("q") else {
            return 1000;
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        match (whole, format!("{fraction:0<3}").parse::<u16>()) {
            ("0", Ok(thousandths)) if digits => thousandths,
            ("1", Ok(0)) if digits => 1000,
            _ => 0,
        }
    }
}

/// Which of `offers` (essences, ours preferred first) an Accept field takes; all of them if there is none.
pub fn choose<'a>(accept: Option<&str>, offers: &[&'a str]) -> Option<&'a str> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return offers.first().copied();
    };
    let ranges: Vec<MediaType> = split_outside_quotes(accept, ',').filter_map(MediaType::parse).collect();
    let mut best: Option<(u16, &'a str)> = None;
    for offer in offers {
        let fitting = ranges.iter().filter_map(|range| range.fits(offer).map(|fit| (fit, range.weight())));
        let weight = fitting.max_by_key(|(fit, _)| *fit).map_or(0, |(_, weight)| weight);
        if weight > best.map_or(0, |(weight, _)| weight) {
            best = Some((weight, offer));
        }
    }
    best.map(|(_, offer)| offer)
}

/// Which of `offers` the request takes.
pub fn choose_for<'a>(request: &HttpRequest, offers: &[&'a str]) -> Result<&'a str, HttpError> {
    choose(accept_of(request).as_deref(), offers).ok_or(HttpError::NotAcceptable)
}

/// Whether the request takes FHIR JSON of R4. `_format` outweighs Accept (R4 http.html#mime-type); in a
/// query the plus sign may have become a space.
pub fn fhir_format(request: &HttpRequest) -> Result<FhirFormat, HttpError> {
    let mut format = None;
    let mut is_pretty = false;
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        match &*name {
            "_format" => format = Some(value.into_owned()),
            "_pretty" => is_pretty = value == "true",
            _ => {}
        }
    }
    let taken = match format {
        Some(format) => takes_fhir_json(&format.replace("fhir json", "fhir+json"), true),
        None => match accept_of(request) {
            Some(accept) => split_outside_quotes(&accept, ',').any(|range| takes_fhir_json(range, false)),
            None => true,
        },
    };
    if taken { Ok(FhirFormat { is_pretty }) } else { Err(HttpError::NotAcceptable) }
}

/// In which form a request takes a Binary whose content is of the type `content_type`: as a resource, or (`None`) as
/// its content. Only who names FHIR JSON gets the resource, and who names the type of the content gets that even if
/// it is JSON. R4 binary.html#rest.
pub fn binary_format(request: &HttpRequest, content_type: &str) -> Result<Option<FhirFormat>, HttpError> {
    let own = MediaType::parse(content_type).map(|kind| kind.essence);
    let (mut format, mut is_pretty) = (None, false);
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        match &*name {
            "_format" => format = Some(value.replace("fhir json", "fhir+json").replace("fhir xml", "fhir+xml")),
            "_pretty" => is_pretty = value == "true",
            _ => {}
        }
    }
    let accept = match format {
        Some(short) if short == "json" => FHIR_NAMES[0].to_owned(),
        Some(short) if short == "xml" => FHIR_XML.to_owned(),
        Some(format) => format,
        None => match accept_of(request) {
            Some(accept) => accept,
            None => return Ok(None),
        },
    };
    let (mut resource, mut content) = (0, 0);
    for range in split_outside_quotes(&accept, ',').filter_map(MediaType::parse) {
        let essence = range.essence();
        let is_own = own.as_deref() == Some(essence) && essence != FHIR_NAMES[0];
        let is_r4 = range.parameter("fhirversion").is_none_or(|version| version == "4.0");
        let weight = if is_own || !(FHIR_NAMES.contains(&essence) || essence == FHIR_XML) {
            &mut content
        } else if is_r4 && essence != FHIR_XML {
            &mut resource
        } else {
            continue;
        };
        *weight = range.weight().max(*weight);
    }
    match (resource, content) {
        (0, 0) => Err(HttpError::NotAcceptable),
        _ if resource >= content => Ok(Some(FhirFormat { is_pretty })),
        _ => Ok(None),
    }
}

fn takes_fhir_json(text: &str, is_parameter: bool) -> bool {
    if is_parameter && text == "json" {
        return true;
    }
    let Some(range) = MediaType::parse(text) else {
        return false;
    };
    let is_r4 = range.parameter("fhirversion").is_none_or(|version| version == "4.0");
    is_r4 && range.weight() > 0 && FHIR_NAMES.iter().any(|offer| range.fits(offer).is_some())
}

/// What FHIR JSON is called. R4 http.html#mime-type.
const FHIR_NAMES: [&str; 3] = ["application/fhir+json", "application/json", "text/json"];
const FHIR_XML: &str = "application/fhir+xml";

fn accept_of(request: &HttpRequest) -> Option<String> {
    let fields: Vec<&str> = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).collect();
    let joined = fields.join(",");
    (!joined.trim().is_empty()).then_some(joined)
}

pub(super) fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |letter: char| {
        if escaped {
            escaped = false;
        } else if quoted && letter == '\\' {
            escaped = true;
        } else if letter == '"' {
            quoted = !quoted;
        } else {
            return letter == separator && !quoted;
        }
        false
    })
}

fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return is_token(text).then(|| text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next()?),
            '"' => return None,
            _ => out.push(letter),
        }
    }
    Some(out)
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_best_fit_with_the_greatest_weight_is_chosen() {
        let offers = ["application/pdf", "application/fhir+json", "text/plain"];
        for (accept, chosen) in [
            (None, Some("application/pdf")),
            (Some(""), Some("application/pdf")),
            (Some("*/*"), Some("application/pdf")),
            (Some("text/*"), Some("text/plain")),
            (Some("TEXT/PLAIN"), Some("text/plain")),
            (Some("text/plain;q=0.5, application/fhir+json;q=0.8"), Some("application/fhir+json")),
            (Some("application/pdf;q=0, */*"), Some("application/fhir+json")),
            (Some("application/pdf;q=0.001, */*;q=0"), Some("application/pdf")),
            (Some("application/*;q=0.2, text/plain; charset=\"utf-8, x\"; q=0.3"), Some("text/plain")),
            (Some("image/png"), None),
            (Some("*/*;q=0"), None),
            (Some("text/plain;q=1.5"), None),
            (Some("text/plain;q=0.0001"), None),
            (Some("application"), None),
            (Some("textx/*"), None),
        ] {
            assert_eq!(choose(accept, &offers), chosen, "{accept:?}");
        }
    }

    #[test]
    fn fhir_json_is_known_by_all_its_names() {
        let asked = |accept: Option<&str>, query: &str| {
            let mut request = TestRequest::with_uri(&format!("/fhir/r4/Patient/1?{query}"));
            if let Some(accept) = accept {
                request = request.insert_header((header::ACCEPT, accept));
            }
            fhir_format(&request.to_http_request()).is_ok()
        };
        for accept in ["application/fhir+json", "application/json", "text/json", "*/*", "application/*", "text/*"] {
            assert!(asked(Some(accept), ""), "{accept}");
            assert!(asked(Some("application/fhir+xml"), &format!("_format={accept}")), "{accept}");
        }
        assert!(asked(None, ""));
        assert!(asked(Some("application/fhir+json; fhirVersion=4.0"), ""));
        assert!(!asked(Some("application/fhir+json; fhirVersion=5.0"), ""));
        assert!(asked(Some("application/fhir+xml"), "_format=json"));
        assert!(asked(Some("application/fhir+xml"), "_format=application/fhir%2Bjson"));
        assert!(!asked(Some("application/fhir+xml"), ""));
        assert!(!asked(Some("application/fhir+json"), "_format=xml"));
        assert!(!asked(Some("application/fhir+json;q=0"), ""));
        assert!(!asked(Some("application/fhir+json;q=0"), "_pretty=true"));
        let pretty = TestRequest::with_uri("/x?_pretty=true").to_http_request();
        assert_eq!(fhir_format(&pretty), Ok(FhirFormat { is_pretty: true }));
    }

    #[test]
    fn a_binary_is_its_content_but_for_those_who_name_fhir() {
        let asked = |accept: Option<&str>, query: &str, own: &str| {
            let mut request = TestRequest::with_uri(&format!("/fhir/r4/Binary/1?{query}"));
            if let Some(accept) = accept {
                request = request.insert_header((header::ACCEPT, accept));
            }
            binary_format(&request.to_http_request(), own).map(|format| format.is_some())
        };
        let pdf = "application/pdf";
        for (accept, query, own, is_resource) in [
            (None, "", pdf, Ok(false)),
            (Some("*/*"), "", pdf, Ok(false)),
            (Some("application/*"), "", pdf, Ok(false)),
            (Some("application/pdf"), "", pdf, Ok(false)),
            (Some("image/png"), "", pdf, Ok(false)),
            (Some("application/fhir+json"), "", pdf, Ok(true)),
            (Some("application/json"), "", pdf, Ok(true)),
            (Some("application/json"), "", "application/json; charset=utf-8", Ok(false)),
            (Some("application/fhir+json, */*"), "", pdf, Ok(true)),
            (Some("application/fhir+json;q=0.5, */*"), "", pdf, Ok(false)),
            (Some("application/fhir+xml"), "", pdf, Err(HttpError::NotAcceptable)),
            (Some("application/fhir+json; fhirVersion=5.0"), "", pdf, Err(HttpError::NotAcceptable)),
            (Some("*/*"), "_format=json", pdf, Ok(true)),
            (Some("*/*"), "_format=application/fhir%2Bjson", pdf, Ok(true)),
            (Some("*/*"), "_format=application/fhir+json", pdf, Ok(true)),
            (None, "_format=xml", pdf, Err(HttpError::NotAcceptable)),
            (Some("application/fhir+json"), "_format=application/pdf", pdf, Ok(false)),
        ] {
            assert_eq!(asked(accept, query, own), is_resource, "{accept:?} {query}");
        }
    }

    proptest! {
        #[test]
        fn any_accept_field_is_read_without_panic(accept in "\\PC{0,60}") {
            let _ = choose(Some(&accept), &["text/plain"]);
            let _ = MediaType::parse(&accept);
        }

        #[test]
        fn near_accept_fields_are_read_without_panic(accept in "[a-z*]{0,4}/[a-z*+]{0,4}(;[a-z]{0,3}=[\"0-9.a-z\\\\]{0,5}){0,3}") {
            let _ = choose(Some(&accept), &["text/plain"]);
        }
    }
}

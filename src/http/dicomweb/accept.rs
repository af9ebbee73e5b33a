//! What the client takes, and which of what we have it gets. PS3.18 §8.7.4, §8.7.5; RFC 9110 §12.5.1.

use actix_web::HttpRequest;
use actix_web::http::header;
use percent_encoding::percent_decode_str;

use crate::http::HttpError;
use crate::http::negotiate::split_outside_quotes;

use super::media::{DICOM, DICOM_JSON, MULTIPART, Media, OCTET_STREAM, Syntaxes, takes};

/// What the client takes, most wanted first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accept {
    ranges: Vec<Media>,
}

/// Instances in a form that the client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedInstances {
    /// One file rather than parts.
    pub(super) is_single: bool,
    /// In which transfer syntax.
    pub(super) syntaxes: Syntaxes,
    /// Weight in thousandths.
    pub(super) weight: u16,
}

/// Frames or bulk data in a form that the client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedBulk {
    /// One body rather than parts.
    pub(super) is_single: bool,
    /// Media type or range of them.
    pub(super) media: String,
    /// In which transfer syntax.
    pub(super) syntaxes: Syntaxes,
}

impl Accept {
    /// From the request: `?accept=` outweighs the header field (PS3.18 §8.3.3.1). What cannot be read takes nothing.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let asked = request.query_string().split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            // A plus sign is one here: media types have them, and never a space that matters.
            name.eq_ignore_ascii_case("accept").then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
        });
        let text = asked.unwrap_or_else(|| {
            let fields = request.headers().get_all(header::ACCEPT);
            fields.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
        });
        Self::parse(&text)
    }

    /// As the field says.
    pub(super) fn parse(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self { ranges: Media::parse("*/*").into_iter().collect() };
        }
        let mut ranges: Vec<Media> = split_outside_quotes(text, ',').filter_map(Media::parse).collect();
        // Stable: of equals, the one that was named first.
        ranges.sort_by_key(|range| std::cmp::Reverse((range.weight(), range.narrowness())));
        Self { ranges }
    }

    /// Which of `offers` (ours preferred first) is sent as a body of its own: that of the greatest weight, and of those
    /// the one that is named most narrowly.
    pub(super) fn choose<'a>(&self, offers: &[&'a str]) -> Result<&'a str, HttpError> {
        let mut best: Option<((u16, u8), &'a str)> = None;
        for offer in offers {
            let fitting = self.ranges.iter().filter(|range| range.takes(offer)).max_by_key(|range| range.narrowness());
            let rank = fitting.map_or((0, 0), |range| (range.weight(), range.narrowness()));
            if rank.0 > 0 && best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, offer));
            }
        }
        best.map(|(_, offer)| offer).ok_or(HttpError::NotAcceptable)
    }

    /// Whether a media type is asked for by its name.
    pub(super) fn names(&self, media: &str) -> bool {
        self.wanted().any(|range| range.essence() == media)
    }

    /// Which of `offers` is sent in parts; `None` if a body of its own is wanted rather.
    pub(super) fn choose_of_parts<'a>(&self, offers: &[&'a str]) -> Option<&'a str> {
        let first = self.wanted().find_map(|range| match range.root() {
            Some(root) => offers.iter().copied().find(|offer| takes(&root, offer)).map(Some),
            // Whoever takes anything has no use for parts.
            None => offers.iter().any(|offer| range.takes(offer)).then_some(None),
        });
        first.flatten()
    }

    /// The ranges that take anything.
    fn wanted(&self) -> impl Iterator<Item = &Media> {
        self.ranges.iter().filter(|range| range.weight() > 0)
    }

    /// The name under which JSON is sent: that of DICOM, or the plain one where only that is asked for.
    pub(super) fn json(&self) -> Result<&'static str, HttpError> {
        self.choose(&[DICOM_JSON, "application/json"])
    }

    /// The forms in which instances are taken, most wanted first. `is_one` says that a single one is asked for, which
    /// may go without multipart.
    pub(super) fn instances(&self, is_one: bool) -> Result<Vec<WantedInstances>, HttpError> {
        let mut wanted = Vec::new();
        for range in self.wanted() {
            let parts = match range.root() {
                Some(root) => root.is_empty() || takes(&root, DICOM),
                None => range.takes(MULTIPART),
            };
            let is_single = is_one && range.essence() == DICOM;
            if parts || is_single {
                wanted.push(WantedInstances { is_single, syntaxes: range.syntaxes(), weight: range.weight() });
            }
        }
        if wanted.is_empty() { Err(HttpError::NotAcceptable) } else { Ok(wanted) }
    }

    /// The forms in which frames or bulk data are taken, most wanted first.
    pub(super) fn bulk(&self) -> Result<Vec<WantedBulk>, HttpError> {
        let mut wanted = Vec::new();
        for range in self.wanted() {
            let syntaxes = range.syntaxes();
            match range.root() {
                Some(root) => {
                    let media = if root.is_empty() { OCTET_STREAM.to_owned() } else { root };
                    wanted.push(WantedBulk { is_single: false, media, syntaxes });
                }
                None if range.takes(MULTIPART) => {
                    wanted.push(WantedBulk { is_single: false, media: "*/*".to_owned(), syntaxes });
                }
                None => wanted.push(WantedBulk { is_single: true, media: range.essence().to_owned(), syntaxes }),
            }
        }
        if wanted.is_empty() { Err(HttpError::NotAcceptable) } else { Ok(wanted) }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn accept(text: &str) -> Accept {
        Accept::parse(text)
    }

    #[test]
    fn json_is_found_in_what_viewers_send() {
        for (text, name) in [
            ("", Some(DICOM_JSON)),
            ("*/*", Some(DICOM_JSON)),
            ("application/*", Some(DICOM_JSON)),
            ("application/dicom+json", Some(DICOM_JSON)),
            ("application/json", Some("application/json")),
            ("application/json, application/dicom+json;q=0.5", Some("application/json")),
            ("application/dicom+json;q=0, */*", Some("application/json")),
            ("text/html, */*;q=0.1", Some(DICOM_JSON)),
            (
                "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*",
                Some(DICOM_JSON),
            ),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*, application/dicom+json",
                Some(DICOM_JSON),
            ),
            ("application/dicom+json;q=0", None),
            ("multipart/related; type=\"application/dicom+xml\"", None),
            ("image/jpeg", None),
            ("nonsense", None),
        ] {
            assert_eq!(accept(text).json().ok(), name, "{text}");
        }
    }

    #[test]
    fn instances_come_in_the_form_that_is_wanted_most() {
        let forms = |text: &str, is_one| {
            let wanted = accept(text).instances(is_one).unwrap_or_default();
            wanted.into_iter().map(|wanted| (wanted.is_single, wanted.syntaxes)).collect::<Vec<_>>()
        };
        assert_eq!(forms("", false), [(false, Syntaxes::Default)]);
        assert_eq!(forms("multipart/*", true), [(false, Syntaxes::Default)]);
        assert_eq!(
            forms("multipart/related; type=application/dicom;transfer-syntax=*", true),
            [(false, Syntaxes::Any)]
        );
        let one = Syntaxes::One("1.2.840.10008.1.2.4.90".to_owned());
        let text = "application/dicom;q=0.2, multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90";
        assert_eq!(forms(text, true), [(false, one.clone()), (true, Syntaxes::Default)]);
        assert_eq!(forms(text, false), [(false, one)]);
        assert!(forms("application/dicom", false).is_empty());
        assert!(forms("multipart/related; type=\"application/octet-stream\"", true).is_empty());
        assert!(forms("application/zip, image/jpeg", true).is_empty());
    }

    #[test]
    fn bulk_data_comes_alone_or_in_parts() {
        let forms = |text: &str| {
            let wanted = accept(text).bulk().unwrap_or_default();
            wanted.into_iter().map(|wanted| (wanted.is_single, wanted.media, wanted.syntaxes)).collect::<Vec<_>>()
        };
        assert_eq!(forms("*/*"), [(false, "*/*".to_owned(), Syntaxes::Default)]);
        assert_eq!(
            forms("multipart/related; type=application/octet-stream; transfer-syntax=*, image/jpeg;q=0.5"),
            [(false, OCTET_STREAM.to_owned(), Syntaxes::Any), (true, "image/jpeg".to_owned(), Syntaxes::Default)]
        );
        assert!(forms("application/pdf;q=0").is_empty());
    }

    #[test]
    fn the_query_outweighs_the_header_field() {
        let request = |query: &str| {
            let uri = format!("/studies?{query}");
            Accept::of(&TestRequest::get().uri(&uri).insert_header((header::ACCEPT, "image/png")).to_http_request())
        };
        assert_eq!(request("x=1").choose(&["image/jpeg", "image/png"]), Ok("image/png"));
        assert_eq!(request("accept=application/dicom+json").json(), Ok(DICOM_JSON));
        assert_eq!(request("accept=application%2Fdicom%2Bjson").json(), Ok(DICOM_JSON));
        assert_eq!(request("accept=image/*").choose(&["image/jpeg", "image/png"]), Ok("image/jpeg"));
    }

    proptest! {
        #[test]
        fn any_field_is_read_without_panic(text in "[ -~]{0,80}") {
            let accept = accept(&text);
            let _ = (accept.json(), accept.instances(true), accept.bulk());
        }
    }
}

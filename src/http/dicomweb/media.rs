//! Media types as DICOMweb clients write them. RFC 9110 §8.3.1 and §12.5.1, PS3.18 §8.7.
//!
//! More is taken than the grammar has: a `type` with a slash and without quotes, as OHIF sends it; parameters that
//! stand twice, of which the first one counts; and parameters inside the quotes of `type`, as Orthanc writes them.

use crate::http::negotiate::split_outside_quotes;

/// A media type or a range of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Media {
    essence: String,
    parameters: Vec<(String, String)>,
}

/// Which transfer syntaxes a range takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Syntaxes {
    /// It does not say: that of the media type. PS3.18 Table 8.7.3-1.
    Default,
    /// `*`: any, so the stored one.
    Any,
    /// This one.
    One(String),
}

impl Media {
    /// Parses `type/subtype; name=value`; `*` stands for anything.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = split_outside_quotes(text, ';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        };
        if !is_name(kind) || !is_name(subtype) {
            return None;
        }
        let mut parameters = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let value = unquoted(value.trim())?;
            let name = name.trim().to_ascii_lowercase();
            if name == "type" && value.contains(';') {
                let inner = Self::parse(&value)?;
                parameters.push((name, inner.essence));
                parameters.extend(inner.parameters);
            } else {
                parameters.push((name, value));
            }
        }
        Some(Self { essence, parameters })
    }

    /// `type/subtype` in lower case.
    pub(super) fn essence(&self) -> &str {
        &self.essence
    }

    /// The value of a parameter; its name in lower case.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// The media type of the parts, in lower case, where this is `multipart/related`. RFC 2387 §3.1.
    pub(super) fn root(&self) -> Option<String> {
        (self.essence == MULTIPART).then(|| self.parameter("type").unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// What it says of transfer syntaxes.
    pub(super) fn syntaxes(&self) -> Syntaxes {
        match self.parameter("transfer-syntax").map(str::trim) {
            None | Some("") => Syntaxes::Default,
            Some("*") => Syntaxes::Any,
            Some(uid) => Syntaxes::One(uid.to_owned()),
        }
    }

    /// Whether this range takes an offered type.
    pub(super) fn takes(&self, offer: &str) -> bool {
        takes(&self.essence, offer)
    }

    /// How narrow this range is: 3 a type, 2 `type/*`, 1 `*/*`.
    pub(super) fn narrowness(&self) -> u8 {
        match self.essence.strip_suffix("/*") {
            Some("*") => 1,
            Some(_) => 2,
            None => 3,
        }
    }

    /// The weight in thousandths. RFC 9110 §12.4.2; what is not a weight counts as none.
    pub(super) fn weight(&self) -> u16 {
        let Some(text) = self.parameter("q") else { return 1000 };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        match (whole, format!("{fraction:0<3}").parse::<u16>()) {
            ("0", Ok(thousandths)) if digits => thousandths,
            ("1", Ok(0)) if digits => 1000,
            _ => 0,
        }
    }
}

/// Whether the range `essence` takes `offer`.
pub(super) fn takes(essence: &str, offer: &str) -> bool {
    match essence.strip_suffix("/*") {
        Some("*") => true,
        Some(kind) => offer.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')),
        None => essence == offer,
    }
}

/// A value without its quotes; one without any may have whatever characters.
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next()?),
            _ => out.push(letter),
        }
    }
    Some(out)
}

/// RFC 2387.
pub(super) const MULTIPART: &str = "multipart/related";
/// PS3.18 Annex F.
pub(super) const DICOM_JSON: &str = "application/dicom+json";
/// RFC 3240.
pub(super) const DICOM: &str = "application/dicom";
/// Bytes.
pub(super) const OCTET_STREAM: &str = "application/octet-stream";

/// The transfer syntax that a media type of pixel data stands for where it does not say one. PS3.18 Tables 8.7.3-2 to
/// 8.7.3-5. Of `image/jpeg` it is JPEG Lossless, first-order prediction.
pub(super) fn default_syntax(media: &str) -> Option<&'static str> {
    Some(match media {
        OCTET_STREAM => "1.2.840.10008.1.2.1",
        "image/jpeg" => "1.2.840.10008.1.2.4.70",
        "image/jls" => "1.2.840.10008.1.2.4.80",
        "image/jp2" => "1.2.840.10008.1.2.4.90",
        "image/jpx" => "1.2.840.10008.1.2.4.92",
        "image/jphc" => "1.2.840.10008.1.2.4.201",
        "image/jxl" => "1.2.840.10008.1.2.4.110",
        "image/dicom-rle" => "1.2.840.10008.1.2.5",
        "video/mpeg" => "1.2.840.10008.1.2.4.100",
        "video/mp4" => "1.2.840.10008.1.2.4.102",
        "video/h265" => "1.2.840.10008.1.2.4.107",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read_as_clients_write_them() {
        for text in [
            "multipart/related; type=\"application/dicom\"; boundary=\"a b\"",
            "Multipart/Related;TYPE=application/dicom;boundary=\"a b\"",
            "multipart/related; type=application/dicom; type=text/plain; boundary=a b;",
        ] {
            let media = Media::parse(text).expect(text);
            assert_eq!(media.essence(), MULTIPART);
            assert_eq!(media.root().as_deref(), Some("application/dicom"));
            assert_eq!(media.parameter("boundary"), Some("a b"));
        }
        let ohif = "multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*";
        let media = Media::parse(ohif).expect("is read");
        assert_eq!((media.root().as_deref(), media.syntaxes()), (Some(OCTET_STREAM), Syntaxes::Any));
        let orthanc = "multipart/related; type=\"image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50\"";
        let media = Media::parse(orthanc).expect("is read");
        assert_eq!(media.root().as_deref(), Some("image/jpeg"));
        assert_eq!(media.syntaxes(), Syntaxes::One("1.2.840.10008.1.2.4.50".to_owned()));
        for bad in ["", "application", "a/", "/b", "a b/c", "a/b; x", "a/b; x=\"y", "a/b; x=y\"z"] {
            assert_eq!(Media::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ranges_take_what_is_in_them() {
        for (range, offer, is_taken) in [
            ("*/*", "image/jpeg", true),
            ("image/*", "image/jpeg", true),
            ("image/*", "imagery/x", false),
            ("image/jpeg", "image/jpeg", true),
            ("image/jpeg", "image/jp2", false),
        ] {
            assert_eq!(Media::parse(range).expect("valid").takes(offer), is_taken, "{range} {offer}");
        }
        for (text, weight) in
            [("a/b", 1000), ("a/b;q=0.25", 250), ("a/b;q=1.000", 1000), ("a/b;q=2", 0), ("a/b;q=0", 0)]
        {
            assert_eq!(Media::parse(text).expect("valid").weight(), weight, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~]{0,60}|multipart/related(; ?(type|q|transfer-syntax)=[\"a-z/*.;\\\\]{0,9}){0,4}") {
            if let Some(media) = Media::parse(&text) {
                let _ = (media.root(), media.syntaxes(), media.weight(), media.narrowness());
            }
        }
    }
}

//! The query parameters of rendered resources. PS3.18 §8.3.5.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::base::ProblemCode;
use crate::dicom::pixel::render::{PictureFile, RenderRequest, SourceRegion, Viewport, VoiFunction, Window};
use crate::http::HttpError;

/// How something is rendered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rendering {
    /// Window, part and size.
    pub(super) request: RenderRequest,
    /// Quality of JPEG, 1 to 100.
    pub(super) quality: u8,
    /// What was asked for in vain.
    pub(super) unmet: Option<&'static str>,
}

impl Default for Rendering {
    fn default() -> Self {
        Self { request: RenderRequest::default(), quality: QUALITY, unmet: None }
    }
}

impl Rendering {
    /// From the parameters of a request.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, HttpError> {
        Self::parse(request.query_string())
    }

    fn parse(query: &str) -> Result<Self, HttpError> {
        let mut rendering = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let name = name.to_ascii_lowercase();
            if seen.contains(&name) {
                return Err(wrong(&name, "is said twice"));
            }
            match name.as_str() {
                "accept" | "charset" => {}
                "quality" => rendering.quality = quality("quality", &value)?,
                "window" => rendering.request.window = Some(window(&value)?),
                "viewport" => rendering.request.viewport = Some(viewport(&value)?),
                "annotation" => rendering.annotate("annotation", &value)?,
                "iccprofile" => match value.to_ascii_lowercase().as_str() {
                    "no" => {}
                    "yes" | "srgb" | "adobergb" | "rommrgb" | "displayp3" => {
                        rendering.unmet = Some("The iccprofile parameter is not supported. No profile is embedded.");
                    }
                    _ => return Err(wrong("iccprofile", "must be no, yes, srgb, adobergb, rommrgb or displayp3")),
                },
                _ => return Err(wrong(&name, "is no parameter of rendered resources")),
            }
            seen.push(name);
        }
        Ok(rendering)
    }

    /// Takes a list of what is to be written on the picture. PS3.18 §8.3.5.1.1.
    pub(super) fn annotate(&mut self, name: &str, value: &str) -> Result<(), HttpError> {
        if !value.split(',').all(|word| matches!(word.trim(), "patient" | "technique")) {
            return Err(wrong(name, "must be patient, technique or both"));
        }
        self.unmet = Some("The annotation parameter is not supported. Nothing is written on the picture.");
        Ok(())
    }

    /// The form of a file of this media type.
    pub(super) fn file(&self, media: &str) -> PictureFile {
        match media {
            "image/png" => PictureFile::Png,
            "image/gif" => PictureFile::Gif,
            _ => PictureFile::Jpeg { quality: self.quality },
        }
    }

    /// The answer, with a warning where something was asked for in vain.
    pub(super) fn warned(&self, mut response: HttpResponse, base: &str) -> HttpResponse {
        if let Some(text) = self.unmet
            && let Ok(value) = HeaderValue::from_str(&format!("299 {base} \"{text}\""))
        {
            response.headers_mut().append(header::WARNING, value);
        }
        response
    }
}

/// A quality of JPEG. PS3.18 §8.3.5.1.2.
pub(super) fn quality(name: &str, value: &str) -> Result<u8, HttpError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let quality = value.parse::<u8>().ok().filter(|quality| digits && (1..=100).contains(quality));
    quality.ok_or_else(|| wrong(name, "must be a number from 1 to 100"))
}

/// `center,width,function`. PS3.18 §8.3.5.1.4.
fn window(value: &str) -> Result<Window, HttpError> {
    let parsed = || {
        let mut parts = value.split(',').map(str::trim);
        let (center, width) = (number(parts.next()?)?, number(parts.next()?)?);
        let function = match parts.next() {
            None => VoiFunction::Linear,
            Some(term) => {
                VoiFunction::of_term(term).filter(|_| term.chars().all(|letter| !letter.is_ascii_uppercase()))?
            }
        };
        if parts.next().is_some() { None } else { Window::new(center, width, function) }
    };
    parsed().ok_or_else(|| wrong("window", "must be center,width,linear or linear-exact or sigmoid"))
}

/// `vw,vh` or `vw,vh,sx,sy,sw,sh`, of which the later ones may be empty. PS3.18 §8.3.5.1.3.
fn viewport(value: &str) -> Result<Viewport, HttpError> {
    let parsed = || {
        let parts: Vec<&str> = value.split(',').map(str::trim).collect();
        let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=MAX_SIDE_PX).contains(side));
        let optional = |text: &str| if text.is_empty() { Some(None) } else { number(text).map(Some) };
        match parts.as_slice() {
            [width, height] => Some(Viewport { width: Some(side(width)?), height: Some(side(height)?), source: None }),
            [width, height, x, y, source_width, source_height] => {
                let source = SourceRegion {
                    x: optional(x)?.unwrap_or(0.0),
                    y: optional(y)?.unwrap_or(0.0),
                    width: optional(source_width)?,
                    height: optional(source_height)?,
                };
                let is_inside = source.x >= 0.0 && source.y >= 0.0;
                let has_size = source.width != Some(0.0) && source.height != Some(0.0);
                let viewport =
                    Viewport { width: Some(side(width)?), height: Some(side(height)?), source: Some(source) };
                (is_inside && has_size).then_some(viewport)
            }
            _ => None,
        }
    };
    parsed().ok_or_else(|| wrong("viewport", "must be width,height or width,height,x,y,width,height"))
}

/// A decimal number.
pub(super) fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse::<f64>().ok().filter(|number| is_plain && number.is_finite())
}

/// A parameter that is not what it has to be.
pub(super) fn wrong(name: &str, detail: &'static str) -> HttpError {
    HttpError::invalid(name, ProblemCode::Value, detail)
}

/// Quality of JPEG where it is not said.
const QUALITY: u8 = 90;
/// Longest side of a viewport.
pub(super) const MAX_SIDE_PX: u32 = 16_384;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read() {
        let rendering = Rendering::parse("window=40,400,linear-exact&viewport=100,50&quality=80&accept=image/png");
        let rendering = rendering.expect("is read");
        let window = rendering.request.window.expect("has one");
        assert_eq!((window.center, window.width, window.function), (40.0, 400.0, VoiFunction::LinearExact));
        let viewport = rendering.request.viewport.expect("has one");
        assert_eq!((viewport.width, viewport.height, viewport.source), (Some(100), Some(50), None));
        assert_eq!((rendering.quality, rendering.unmet), (80, None));
        let cut = Rendering::parse("viewport=100,50,10,,-20,").expect("is read").request.viewport.expect("has one");
        let source = cut.source.expect("has one");
        assert_eq!((source.x, source.y, source.width, source.height), (10.0, 0.0, Some(-20.0), None));
        assert!(Rendering::parse("annotation=patient,technique").expect("is read").unmet.is_some());
        assert!(Rendering::parse("iccprofile=srgb").expect("is read").unmet.is_some());
        assert!(Rendering::parse("window=40,400").is_ok());
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in [
            "window=40",
            "window=40,0,linear",
            "window=40,400,LINEAR",
            "window=a,400,linear",
            "window=40,400,linear,1",
            "window=NaN,1,sigmoid",
            "viewport=0,10",
            "viewport=10",
            "viewport=10,10,1",
            "viewport=-1,10",
            "viewport=99999,10",
            "viewport=10,10,0,0,0,5",
            "quality=0",
            "quality=101",
            "quality=",
            "quality=5&quality=6",
            "annotation=name",
            "iccprofile=other",
            "zoom=2",
        ] {
            assert!(Rendering::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_parameter_is_read_without_panic(
            name in "window|viewport|quality|annotation|iccprofile|[a-z]{0,5}",
            value in "[0-9.,eE+-]{0,20}|\\PC{0,20}",
        ) {
            let _ = Rendering::parse(&format!("{name}={value}"));
        }
    }
}

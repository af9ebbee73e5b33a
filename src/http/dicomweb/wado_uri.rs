//! WADO-URI: one instance by the parameters of a query. PS3.18 §9.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::ProblemCode;
use crate::dicom::pixel::render::{SourceRegion, Viewport, VoiFunction, Window};
use crate::dicom::query::StudyScope;
use crate::http::{Caller, HttpError};
use crate::ops::Ops;
use crate::ops::studies::HeldInstance;

use super::accept::{Accept, WantedInstances};
use super::media::{DICOM, Syntaxes};
use super::place::uid_of;
use super::rendering::{MAX_SIDE_PX, Rendering, number, quality, wrong};
use super::wado::{self, PICTURES, Sent};

/// `GET /wado?requestType=WADO&...`
pub(super) async fn retrieve(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let asked = Parameters::of(request.query_string())?;
    let held = ops.held_instances(&caller.actor, &asked.scope).await?.into_iter().next().ok_or(HttpError::NotFound)?;
    let accept = asked.content_types.as_deref().map_or_else(|| Accept::of(&request), Accept::parse);
    if Parameters::is_dicom(&accept) {
        if asked.has_rendering {
            return Err(wrong("contentType", "is application/dicom, which is not rendered"));
        }
        let syntaxes = asked.transfer_syntax.map_or(Syntaxes::Default, Syntaxes::One);
        let wanted = [WantedInstances { is_single: true, syntaxes, weight: 1000 }];
        let sent = Sent::of(&held, &wanted).ok_or(HttpError::NotAcceptable)?;
        return wado::send(&ops, &caller.actor, &request, sent).await;
    }
    if asked.transfer_syntax.is_some() {
        return Err(wrong("transferSyntax", "goes with contentType=application/dicom only"));
    }
    if asked.frame.is_some() && held.number_of_frames.unwrap_or(1) < 2 {
        return Err(wrong("frameNumber", "goes with instances of several frames only"));
    }
    if wado::is_document(&held.sop_class_uid) || wado::is_report(&held) {
        return wado::page(&ops, &caller.actor, &request, held, &accept).await;
    }
    let media = accept.choose(PICTURES)?;
    let rendering = asked.rendering(&held);
    // Without a number it is the first frame, unless what moves is asked for by name.
    let frame = asked.frame.or((media != "image/gif").then_some(1));
    wado::alone(&ops, &caller, held, wado::Asked { frame, media, rendering: &rendering }).await
}

/// The parameters. PS3.18 Tables 9.4-1 and 9.5-1.
#[derive(Debug, Clone, PartialEq)]
struct Parameters {
    scope: StudyScope,
    content_types: Option<String>,
    transfer_syntax: Option<String>,
    frame: Option<u64>,
    rows: Option<u32>,
    columns: Option<u32>,
    /// Left, upper, right and lower edge as fractions of the image.
    region: Option<[f64; 4]>,
    rendering: Rendering,
    /// Whether any parameter asks for a rendering.
    has_rendering: bool,
}

impl Parameters {
    fn of(query: &str) -> Result<Self, HttpError> {
        let mut found: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if found.iter().any(|(other, _)| *other == name) {
                return Err(wrong(&name, "is said twice"));
            }
            if !NAMES.contains(&&*name) {
                return Err(wrong(&name, "is no parameter of WADO-URI"));
            }
            found.push((name.into_owned(), value.into_owned()));
        }
        let get = |name: &str| found.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim());
        let required = |name: &str| {
            let missing = || HttpError::invalid(name, ProblemCode::Required, "must be there");
            get(name).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        if required("requestType")? != "WADO" {
            return Err(wrong("requestType", "must be WADO"));
        }
        let uid = |name: &str| uid_of(name, required(name)?);
        let scope =
            StudyScope { study: uid("studyUID")?, series: Some(uid("seriesUID")?), instance: Some(uid("objectUID")?) };
        for name in UNSUPPORTED {
            if get(name).is_some_and(|value| !value.is_empty() && value != "no") {
                return Err(HttpError::invalid(name, ProblemCode::Unsupported, "is not supported"));
            }
        }
        let mut rendering = Rendering::default();
        if let Some(value) = get("imageQuality") {
            rendering.quality = quality("imageQuality", value)?;
        }
        if let Some(value) = get("imageAnnotation") {
            rendering.annotate("imageAnnotation", value)?;
        }
        rendering.request.window = match (get("windowCenter"), get("windowWidth")) {
            (None, None) => None,
            (Some(center), Some(width)) => {
                let window = number(center).zip(number(width));
                let window = window.and_then(|(center, width)| Window::new(center, width, VoiFunction::Linear));
                Some(window.ok_or_else(|| wrong("windowWidth", "makes no window with windowCenter"))?)
            }
            _ => return Err(wrong("windowCenter", "and windowWidth go together")),
        };
        let side = |name: &str| match get(name) {
            None => Ok(None),
            Some(text) => {
                let side = text.parse::<u32>().ok().filter(|side| (1..=MAX_SIDE_PX).contains(side));
                side.map(Some).ok_or_else(|| wrong(name, "must be a number of pixels"))
            }
        };
        let frame = match get("frameNumber") {
            None => None,
            Some(text) => {
                let number = text.parse::<u64>().ok().filter(|number| *number > 0);
                Some(number.ok_or_else(|| wrong("frameNumber", "must be a number from 1 on"))?)
            }
        };
        Ok(Self {
            scope,
            content_types: get("contentType").filter(|value| !value.is_empty()).map(str::to_owned),
            transfer_syntax: get("transferSyntax").filter(|value| !value.is_empty()).map(str::to_owned),
            frame,
            rows: side("rows")?,
            columns: side("columns")?,
            region: get("region").map(region).transpose()?,
            rendering,
            has_rendering: RENDERING.iter().any(|name| get(name).is_some()),
        })
    }

    /// Whether the file itself is wanted: only whoever names it gets it.
    fn is_dicom(accept: &Accept) -> bool {
        accept.names(DICOM) && !PICTURES.iter().any(|picture| accept.names(picture))
    }

    /// How the instance is rendered; parts of it are in pixels there.
    fn rendering(&self, held: &HeldInstance) -> Rendering {
        let mut rendering = self.rendering.clone();
        let source =
            self.region.zip(held.columns.zip(held.rows)).map(|([left, upper, right, lower], (columns, rows))| {
                let (width, height) = (f64::from(columns), f64::from(rows));
                let part = |from: f64, until: f64, full: f64| Some((until - from) * full);
                SourceRegion {
                    x: left * width,
                    y: upper * height,
                    width: part(left, right, width),
                    height: part(upper, lower, height),
                }
            });
        if source.is_some() || self.rows.is_some() || self.columns.is_some() {
            rendering.request.viewport = Some(Viewport { width: self.columns, height: self.rows, source });
        }
        rendering
    }
}

/// `x0,y0,x1,y1` as fractions. PS3.18 §9.5.2.
fn region(text: &str) -> Result<[f64; 4], HttpError> {
    let parts: Option<Vec<f64>> = text.split(',').map(|part| number(part.trim())).collect();
    let parts = parts.and_then(|parts| <[f64; 4]>::try_from(parts).ok());
    let is_inside = |[left, upper, right, lower]: &[f64; 4]| {
        [left, upper, right, lower].into_iter().all(|part| (0.0..=1.0).contains(part)) && left < right && upper < lower
    };
    parts.filter(is_inside).ok_or_else(|| wrong("region", "must be left,upper,right,lower as fractions"))
}

/// All parameters.
pub(super) const NAMES: &[&str] = &[
    "requestType",
    "studyUID",
    "seriesUID",
    "objectUID",
    "contentType",
    "charset",
    "anonymize",
    "annotation",
    "transferSyntax",
    "frameNumber",
    "rows",
    "columns",
    "region",
    "windowCenter",
    "windowWidth",
    "imageQuality",
    "imageAnnotation",
    "presentationUID",
    "presentationSeriesUID",
];
/// Those that go with a rendering only.
const RENDERING: &[&str] = &[
    "frameNumber",
    "rows",
    "columns",
    "region",
    "windowCenter",
    "windowWidth",
    "imageQuality",
    "imageAnnotation",
    "annotation",
    "presentationUID",
    "presentationSeriesUID",
];
/// Those that are refused, unless they say `no`.
pub(super) const UNSUPPORTED: &[&str] = &["anonymize", "annotation", "presentationUID", "presentationSeriesUID"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4";

    #[test]
    fn what_names_the_instance_has_to_be_there() {
        let parameters = Parameters::of(BASE).expect("is read");
        assert!(!parameters.has_rendering);
        for missing in ["requestType", "studyUID", "seriesUID", "objectUID"] {
            let without: Vec<&str> = BASE.split('&').filter(|pair| !pair.starts_with(missing)).collect();
            assert!(Parameters::of(&without.join("&")).is_err(), "{missing}");
            assert!(Parameters::of(&format!("{}&{missing}=", without.join("&"))).is_err(), "{missing}");
        }
        for bad in [
            "requestType=WADO&studyUID=a&seriesUID=1.3&objectUID=1.4",
            "requestType=other&studyUID=1.2&seriesUID=1.3&objectUID=1.4",
        ] {
            assert!(Parameters::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn renderings_are_read_strictly() {
        let read = |more: &str| Parameters::of(&format!("{BASE}&{more}"));
        assert!(read("rows=10&columns=20&region=0,0,0.5,1&windowCenter=40&windowWidth=400&frameNumber=2").is_ok());
        assert!(read("contentType=application/dicom&anonymize=no").is_ok());
        for bad in [
            "anonymize=yes",
            "presentationUID=1.2",
            "windowCenter=40",
            "windowWidth=40",
            "windowCenter=a&windowWidth=1",
            "rows=0",
            "frameNumber=0",
            "frameNumber=x",
            "region=0,0,1",
            "region=0.5,0,0.5,1",
            "region=0,0,2,1",
            "imageQuality=0",
            "studyUID=1.5",
            "other=1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(name in "[a-zA-Z]{0,12}|region|rows|windowCenter", value in "\\PC{0,20}|[0-9.,-]{0,20}") {
            let _ = Parameters::of(&format!("{BASE}&{name}={value}"));
        }
    }
}

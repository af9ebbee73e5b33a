//! Instances that come as metadata in DICOM JSON, with their bulk data in parts of its own. PS3.18 §10.5.1.2.
//!
//! The order of the parts is the sender's, so that all of them are held until the last one is there; how much that may
//! be is limited by itself.

use std::collections::HashMap;

use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use serde_json::Value;

use crate::base::{ProblemCode, Uid};
use crate::dicom::element::{self, DataSet};
use crate::dicom::json::{self, JsonError};
use crate::dicom::part10::{self, TransferSyntax};
use crate::dicom::status::StoreStatus;
use crate::http::HttpError;
use crate::ops::studies::{Framing, Received};

use super::super::media::{DICOM_JSON, Media};
use super::super::multipart::{Event, PartHead};
use super::body::{Broken, Outcome, PartReader};
use super::instances::Taking;
use super::pixels::Pixels;
use super::window::Window;

/// Bulk data by its location, in the order of the parts.
type Bulk = HashMap<String, BulkParts>;
/// The parts of one location, in order.
type BulkParts = Vec<(Option<Media>, Vec<u8>)>;

impl Taking {
    /// A body whose first part is the metadata of all instances. `base` is what relative locations are resolved by.
    pub(super) async fn metadata(&self, mut parts: PartReader, base: &str) -> Result<Vec<Outcome>, HttpError> {
        let framing = |broken| match broken {
            Broken::Request(error) => error,
            Broken::Framing => HttpError::invalid("", ProblemCode::Structure, "the parts are not framed as multipart"),
        };
        let Some((head, metadata)) = whole(&mut parts).await.map_err(framing)? else { return Ok(Vec::new()) };
        if head.content_type.is_some_and(|media| !matches!(media.essence(), DICOM_JSON | "application/json")) {
            return Err(not_metadata());
        }
        let Ok(Value::Array(instances)) = serde_json::from_slice(&metadata) else { return Err(not_metadata()) };
        let mut bulk = Bulk::new();
        while let Some((head, content)) = whole(&mut parts).await.map_err(framing)? {
            if let Some(location) = &head.location {
                bulk.entry(resolved(base, location)).or_default().push((head.content_type, content));
            }
        }
        let mut window = Window::new();
        for instance in instances {
            match encode(instance, &bulk, base) {
                Err(refused) => window.note(refused.outcome()),
                Ok(encoded) => match self.receive(encoded.framing).await {
                    Err(error) => window.note(Outcome::Stopped(error)),
                    Ok(mut incoming) => match incoming.write(Bytes::from(encoded.bytes)).await {
                        Err(error) => window.note(Outcome::Stopped(error)),
                        Ok(()) => window.finish(incoming).await,
                    },
                },
            }
        }
        Ok(window.outcomes().await)
    }
}

/// The next part, whole.
async fn whole(parts: &mut PartReader) -> Result<Option<(PartHead, Vec<u8>)>, Broken> {
    let head = match parts.next().await? {
        Some(Event::Begin(head)) => head,
        None => return Ok(None),
        Some(Event::Content(_) | Event::End) => return Err(Broken::Framing),
    };
    let mut content = Vec::new();
    loop {
        match parts.next().await? {
            Some(Event::Content(bytes)) => content.extend_from_slice(&bytes),
            Some(Event::End) => return Ok(Some((head, content))),
            Some(Event::Begin(_)) | None => return Err(Broken::Framing),
        }
    }
}

/// An instance ready to be taken in.
struct Encoded {
    framing: Framing,
    bytes: Vec<u8>,
}

/// An instance that is not taken in, and as much as is known of it.
struct Refused {
    sop_class_uid: Option<Uid>,
    sop_instance_uid: Option<Uid>,
    status: StoreStatus,
    comment: &'static str,
}

impl Refused {
    fn outcome(self) -> Outcome {
        Outcome::Answered(Received {
            study_instance_uid: None,
            series_instance_uid: None,
            sop_class_uid: self.sop_class_uid,
            sop_instance_uid: self.sop_instance_uid,
            status: self.status,
            comment: Some(self.comment),
            was_there: false,
        })
    }
}

fn encode(mut instance: Value, bulk: &Bulk, base: &str) -> Result<Encoded, Refused> {
    let uid = |name: &str| {
        let text = instance.get(name)?.get("Value")?.get(0)?.as_str()?;
        Uid::parse_lenient(text.trim_matches(['\0', ' '])).ok()
    };
    let (class, sop) = (uid("00080016"), uid("00080018"));
    let refused =
        |status, comment| Refused { sop_class_uid: class.clone(), sop_instance_uid: sop.clone(), status, comment };
    let unreadable = |error: JsonError| {
        let comment = match error {
            JsonError::Bulk(_) => "bulk data that is referred to is not there",
            _ => "the metadata is no data set in DICOM JSON",
        };
        refused(StoreStatus::CANNOT_UNDERSTAND, comment)
    };
    // What metadata that was read from an archive says of its transfer syntax is not of this encoding.
    let pixel_element = instance.as_object_mut().and_then(|members| {
        members.remove("00083002");
        members.remove("7FE00010").or_else(|| members.remove("7fe00010"))
    });
    let find = |uri: &str| {
        let parts = bulk.get(&resolved(base, uri))?;
        Some(parts.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect())
    };
    let set = json::parse(&instance, &find).map_err(unreadable)?;
    let (Some(class), Some(sop)) = (&class, &sop) else {
        return Err(refused(StoreStatus::CANNOT_UNDERSTAND, "SOP class or SOP instance UID is missing or illegal"));
    };
    let pixels = match &pixel_element {
        None => None,
        Some(element) => Some(pixels(element, bulk, base).ok_or_else(|| {
            refused(StoreStatus::CANNOT_UNDERSTAND, "pixel data is not there, or of no known media type")
        })?),
    };
    let is_described = set.get(tags::ROWS).is_some() && set.get(tags::COLUMNS).is_some();
    if pixels.is_some() && !is_described {
        return Err(refused(StoreStatus::MISMATCH, "the attributes that describe the pixels are missing"));
    }
    let bytes = assemble(&set, pixels.as_ref());
    let bytes = bytes.ok_or_else(|| refused(StoreStatus::CANNOT_UNDERSTAND, "a value is too long to be encoded"))?;
    let transfer_syntax_uid = pixels
        .map_or_else(|| TransferSyntax::ExplicitVrLittleEndian.uid().to_owned(), |pixels| pixels.transfer_syntax_uid);
    let framing = Framing::DataSet { transfer_syntax_uid, sop_class_uid: class.clone(), sop_instance_uid: sop.clone() };
    Ok(Encoded { framing, bytes })
}

/// The pixel data that the element (7FE0,0010) of the metadata refers to.
fn pixels(element: &Value, bulk: &Bulk, base: &str) -> Option<Pixels> {
    if let Some(inline) = element["InlineBinary"].as_str() {
        return Pixels::of(&[(None, &STANDARD.decode(inline).ok()?)]);
    }
    let uri = resolved(base, element["BulkDataURI"].as_str()?);
    if let Some(parts) = bulk.get(&uri) {
        return Pixels::of(&borrowed(parts));
    }
    // A part for each frame, by its number.
    let mut frames: Vec<(u32, &BulkParts)> = bulk
        .iter()
        .filter_map(|(location, parts)| {
            let number = location.strip_prefix(&uri)?.strip_prefix("/frames/")?;
            Some((number.parse().ok()?, parts))
        })
        .collect();
    frames.sort_by_key(|(number, _)| *number);
    let is_gapless = frames.iter().zip(1..).all(|((number, parts), expected)| *number == expected && parts.len() == 1);
    let parts: Vec<_> = frames.iter().flat_map(|(_, parts)| borrowed(parts)).collect();
    if is_gapless { Pixels::of(&parts) } else { None }
}

fn borrowed(parts: &[(Option<Media>, Vec<u8>)]) -> Vec<(Option<Media>, &[u8])> {
    parts.iter().map(|(media, bytes)| (media.clone(), bytes.as_slice())).collect()
}

/// The data set with its pixel data in its place.
fn assemble(set: &DataSet, pixels: Option<&Pixels>) -> Option<Vec<u8>> {
    let part = |wanted: &dyn Fn(Tag) -> bool| {
        let mut part = DataSet::new_empty();
        for element in set.into_iter().filter(|element| wanted(element.header().tag)) {
            part.put(element.clone());
        }
        // Said in any case: without it, the text of what stands behind would be said to be in UTF-8 once more.
        element::put_text(&mut part, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        part10::encode(&part, TransferSyntax::ExplicitVrLittleEndian).ok()
    };
    let mut bytes = part(&|tag| tag < tags::PIXEL_DATA)?;
    if let Some(pixels) = pixels {
        let allocated = set.get(tags::BITS_ALLOCATED).and_then(|bits| bits.to_int::<u16>().ok()).unwrap_or(8);
        bytes.extend(pixels.element(allocated > 8)?);
    }
    let behind = part(&|tag| tag > tags::PIXEL_DATA)?;
    let charset = part(&|_| false)?;
    bytes.extend_from_slice(behind.strip_prefix(charset.as_slice())?);
    Some(bytes)
}

/// A location as it is compared: absolute, where it can be.
fn resolved(base: &str, location: &str) -> String {
    let base = url::Url::parse(&format!("{base}/"));
    base.and_then(|base| base.join(location.trim())).map_or_else(|_error| location.trim().to_owned(), String::from)
}

fn not_metadata() -> HttpError {
    HttpError::invalid("", ProblemCode::Structure, "the first part must be an array of data sets in DICOM JSON")
}

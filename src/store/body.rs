//! Bodies of resources on their way into a row and out of it: packed by zstd with a dictionary for their type
//! (RFC 8878), then sealed (docs/adr/0012-pack-bodies.md).
//!
//! A dictionary is never changed and never taken away: rows name theirs by a number. One that is made anew comes
//! beside the old ones, under new numbers.

use std::cell::RefCell;
use std::sync::OnceLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use super::StoreError;

/// Packs a body. What would not become shorter stays as it is.
pub(super) fn pack(resource_type: &str, body: Vec<u8>) -> Vec<u8> {
    pack_by(resource_type, body, Dictionary::encoder)
}

/// Packs something else than a resource, which comes in larger numbers, in less time and not as short.
pub(super) fn pack_quickly(body: Vec<u8>) -> Vec<u8> {
    pack_by(OTHERS, body, Dictionary::quick_encoder)
}

fn pack_by(
    resource_type: &str,
    body: Vec<u8>,
    encoder: impl Fn(&'static Dictionary) -> &'static EncoderDictionary<'static>,
) -> Vec<u8> {
    if body.first() != Some(&PLAIN) {
        return body;
    }
    let Some((number, dictionary)) = of_type(resource_type) else { return body };
    let packed = PACKER.with_borrow_mut(|packer| {
        packer.set_prepared_dictionary(encoder(dictionary)).ok()?;
        packer.compress(&body).ok()
    });
    match packed {
        Some(packed) if packed.len() + 2 < body.len() => {
            let mut out = Vec::with_capacity(packed.len() + 2);
            out.extend([PACKED, number]);
            out.extend(packed);
            out
        }
        _ => body,
    }
}

/// The body that [`pack`] packed.
pub(super) fn unpack(kept: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let Some((&PACKED, rest)) = kept.split_first() else { return Ok(kept) };
    let (number, frame) = rest.split_first().ok_or(CORRUPT)?;
    let dictionary = DICTIONARIES.get(usize::from(*number)).ok_or(CORRUPT)?;
    let size = Decompressor::upper_bound(frame).filter(|size| (1..=LARGEST).contains(size)).ok_or(CORRUPT)?;
    UNPACKER.with_borrow_mut(|unpacker| {
        unpacker.set_prepared_dictionary(dictionary.decoder()).map_err(|_error| CORRUPT)?;
        unpacker.decompress(frame, size).map_err(|_error| CORRUPT)
    })
}

/// A dictionary, made ready when it is first needed.
struct Dictionary {
    resource_type: &'static str,
    bytes: &'static [u8],
    encoder: OnceLock<EncoderDictionary<'static>>,
    quick: OnceLock<EncoderDictionary<'static>>,
    decoder: OnceLock<DecoderDictionary<'static>>,
}

impl Dictionary {
    const fn new(resource_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { resource_type, bytes, encoder: OnceLock::new(), quick: OnceLock::new(), decoder: OnceLock::new() }
    }

    fn encoder(&'static self) -> &'static EncoderDictionary<'static> {
        self.encoder.get_or_init(|| EncoderDictionary::copy(self.bytes, LEVEL))
    }

    fn quick_encoder(&'static self) -> &'static EncoderDictionary<'static> {
        self.quick.get_or_init(|| EncoderDictionary::copy(self.bytes, QUICK_LEVEL))
    }

    fn decoder(&'static self) -> &'static DecoderDictionary<'static> {
        self.decoder.get_or_init(|| DecoderDictionary::copy(self.bytes))
    }
}

/// The newest dictionary for a type, or the one for all others.
fn of_type(resource_type: &str) -> Option<(u8, &'static Dictionary)> {
    let newest = |wanted: &str| DICTIONARIES.iter().rposition(|one| one.resource_type == wanted);
    let at = newest(resource_type).or_else(|| newest(OTHERS))?;
    Some((u8::try_from(at).ok()?, DICTIONARIES.get(at)?))
}

macro_rules! dictionaries {
    ($($name:literal),* $(,)?) => {
        [$(Dictionary::new($name, include_bytes!(concat!("body/dictionaries/1-", $name, ".zdict")))),*]
    };
}

/// By their numbers. Only ever appended to.
static DICTIONARIES: [Dictionary; 15] = dictionaries![
    "Other",
    "CarePlan",
    "Claim",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "ExplanationOfBenefit",
    "ImagingStudy",
    "Immunization",
    "MedicationRequest",
    "Observation",
    "Patient",
    "Practitioner",
    "Procedure",
];

thread_local! {
    static PACKER: RefCell<Compressor<'static>> = RefCell::new(Compressor::default());
    static UNPACKER: RefCell<Decompressor<'static>> = RefCell::new(Decompressor::default());
}

/// The name of the dictionary for types that have none of their own.
const OTHERS: &str = "Other";
/// First byte of a body that was packed. A JSON text never begins so.
const PACKED: u8 = 1;
/// First byte of one that was not.
const PLAIN: u8 = b'{';
/// Level of compression.
const LEVEL: i32 = 3;
/// The same where it has to be quick.
const QUICK_LEVEL: i32 = 1;
/// Bytes of a body beyond what any limit of a request lets in.
const LARGEST: usize = 1 << 30;
const CORRUPT: StoreError = StoreError::Corrupt("body");

#[cfg(test)]
mod tests;

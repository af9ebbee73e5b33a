//! The DICOM JSON model, PS3.18 Annex F. A [`Header`] becomes JSON as it is kept and sent; what was
//! kept becomes [`Attributes`] to pick from, and a data set where C-FIND answers with one.

mod attributes;
mod level;
mod number;
mod parse;
mod read;
mod write;

use std::borrow::Cow;

pub use attributes::Attributes;
pub use level::{level_of, split};
pub use parse::{BulkData, JsonError, parse, tag};
pub use read::data_set;
pub use write::{element, object};

/// Stands in kept JSON where the URL of the instance belongs, at the beginning of each `BulkDataURI`. No JSON text
/// holds this byte otherwise (RFC 8259 §7).
pub const INSTANCE_URL: u8 = 0x01;

/// Kept JSON with the URL of its instance where it belongs.
pub fn with_instance_url(kept: &[u8], instance_url: &str, out: &mut Vec<u8>) {
    for (number, part) in kept.split(|byte| *byte == INSTANCE_URL).enumerate() {
        if number > 0 {
            out.extend_from_slice(instance_url.as_bytes());
        }
        out.extend_from_slice(part);
    }
}

/// Kept JSON as readers of JSON take it: [`INSTANCE_URL`] is escaped.
fn legal(kept: &str) -> Cow<'_, str> {
    if kept.as_bytes().contains(&INSTANCE_URL) { kept.replace(RAW, ESCAPED).into() } else { kept.into() }
}

/// The opposite of [`legal`]. Within texts the quotes would be escaped: what looks so is a reference.
fn kept(legal: &str) -> Cow<'_, str> {
    if legal.contains(ESCAPED) { legal.replace(ESCAPED, RAW).into() } else { legal.into() }
}

const RAW: &str = "\"BulkDataURI\":\"\u{1}";
const ESCAPED: &str = "\"BulkDataURI\":\"\\u0001";

#[cfg(test)]
mod tests;

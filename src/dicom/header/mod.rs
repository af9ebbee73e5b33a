//! Data sets of instances as they stream by. In come the bytes as a peer sends them; out comes a [`Header`]: every
//! element whose value is small, the place of every value that is not, and a digest of everything. Pixel data is
//! passed over, but its lengths have to add up. `ops::studies` feeds the [`Scanner`] while the same bytes go to the
//! blob store.
//!
//! Memory is bounded whatever the bytes say: a length field allocates nothing, and depth, number of elements and
//! kept values have limits.

mod frame;
mod inflate;
mod machine;
mod meta;
mod scan;
mod value;
mod verdict;

use dicom_core::{Tag, VR};

use crate::base::Blake3;

use super::charset::CharacterSets;
use super::transfer_syntax::Encoding;

pub use meta::{FileMeta, MetaReader, NewMeta};
pub use scan::Scanner;
pub(in crate::dicom) use value::{decoded, is_whole_text, ordered};
pub use verdict::{Identity, Refusal, Uids};

/// Limits on what is kept of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Bytes of a data set, when inflated too.
    pub max_bytes: u64,
    /// Sequences within sequences.
    pub max_depth: usize,
    /// Elements and items together.
    pub max_elements: usize,
    /// Bytes of all values that are kept together.
    pub max_kept_bytes: usize,
}

impl Default for HeaderLimits {
    /// 4 GiB, 256 levels, a million elements, 64 MiB: functional groups of ten thousand frames fit.
    fn default() -> Self {
        Self { max_bytes: 4 << 30, max_depth: 256, max_elements: 1_000_000, max_kept_bytes: 64 << 20 }
    }
}

/// Why bytes are no data set. None holds a value of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The marker `DICM` is missing.
    #[error("is not a DICOM file")]
    NotDicom,
    /// The file meta information is not to be read.
    #[error("file meta information is unreadable")]
    Meta,
    /// The transfer syntax is missing.
    #[error("has no transfer syntax")]
    NoTransferSyntax,
    /// Data sets are not stored in the transfer syntax.
    #[error("transfer syntax is not supported")]
    TransferSyntax,
    /// The bytes end before an element does.
    #[error("data set ends within an element")]
    Truncated,
    /// The bytes are not elements and items as PS3.5 §7 has them.
    #[error("{0}")]
    Structure(&'static str),
    /// The deflated data set cannot be inflated.
    #[error("data set cannot be inflated")]
    Inflate,
    /// Sequences lie deeper in each other than the limit.
    #[error("sequences are nested too deeply")]
    TooDeep,
    /// There are more elements than the limit.
    #[error("has too many elements")]
    TooManyElements,
    /// It is longer than the limit.
    #[error("is larger than the limit")]
    TooLarge,
    /// Its elements without bulk data are longer than the limit.
    #[error("has too much besides bulk data")]
    HeaderTooLarge,
}

/// What is known of a data set when all of it has gone by.
#[derive(Debug, Clone)]
pub struct Header {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Its elements in ascending order, without group lengths and padding.
    pub elements: Vec<Element>,
    /// Bytes as they came.
    pub length: u64,
    /// BLAKE3 of them.
    pub digest: Blake3,
    /// Where the element (7FE0,0008), (7FE0,0009) or (7FE0,0010) begins; counted in the inflated data set where it is
    /// deflated.
    pub pixel_data_offset: Option<u64>,
    /// What is against the rules without making it unreadable; the first 16.
    pub flaws: Vec<Flaw>,
    values: Vec<u8>,
    charsets: Vec<CharacterSets>,
    /// The character set of the data set itself.
    charset: u32,
}

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its tag.
    pub tag: Tag,
    /// Its VR; looked up where the data set does not say it.
    pub vr: VR,
    /// Its value, or where that is.
    pub value: Value,
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// It is kept.
    Kept(Kept),
    /// A sequence.
    Items(Vec<Item>),
    /// It is long.
    Bulk(Bulk),
}

/// A kept value: where its bytes are among those of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    start: u32,
    length: u32,
    /// Whether its numbers stand with their greatest byte first.
    is_big_endian: bool,
}

/// An item of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its elements in ascending order.
    pub elements: Vec<Element>,
    charset: u32,
}

/// Where a long value is in the data set; in the inflated one where it is deflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bulk {
    /// First byte of the value.
    pub offset: u64,
    /// Its length; none where it is a sequence of fragments.
    pub length: Option<u64>,
    /// Whether its numbers stand with their greatest byte first.
    pub is_big_endian: bool,
}

/// Something that is against the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub tag: Tag,
    /// What.
    pub kind: FlawKind,
}

/// What can be against the rules without making a data set unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlawKind {
    /// A value of odd length. PS3.5 §7.1.1.
    OddLength,
    /// Elements not in ascending order, or twice. PS3.5 §7.1.
    Order,
    /// A value that its VR does not allow. PS3.5 §6.2.
    Value,
    /// Bytes that the character set does not have, or a character set that is not known.
    Text,
    /// A UID with a component that begins with zero. PS3.5 §9.1.
    Uid,
}

impl FlawKind {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OddLength => "odd-length",
            Self::Order => "order",
            Self::Value => "value",
            Self::Text => "text",
            Self::Uid => "uid",
        }
    }
}

/// One step on the way to an element: the element, and the item of its sequence, counted from 1, where the way goes
/// on.
pub type Step = (Tag, Option<u32>);

impl Header {
    /// The element of the data set itself with this tag.
    pub fn element(&self, tag: Tag) -> Option<&Element> {
        find(&self.elements, tag)
    }

    /// The bulk value at a way as a `BulkDataURI` has it, and its VR.
    pub fn bulk(&self, way: &[Step]) -> Option<(VR, Bulk)> {
        let mut elements = self.elements.as_slice();
        let mut steps = way.iter();
        loop {
            let (tag, item) = steps.next()?;
            let element = find(elements, *tag)?;
            match (&element.value, item) {
                (Value::Bulk(bulk), None) => return steps.next().is_none().then_some((element.vr, *bulk)),
                (Value::Items(items), Some(number)) => {
                    let index = usize::try_from(*number).ok()?.checked_sub(1)?;
                    elements = items.get(index)?.elements.as_slice();
                }
                _ => return None,
            }
        }
    }
}

fn find(elements: &[Element], tag: Tag) -> Option<&Element> {
    let at = elements.binary_search_by_key(&tag, |element| element.tag).ok()?;
    elements.get(at)
}

/// Flaws that are noted.
const MAX_FLAWS: usize = 16;

#[cfg(test)]
mod tests;

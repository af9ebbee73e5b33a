//! `multipart/related` bodies as DICOMweb has them: read piece by piece while they arrive, and written with exact
//! framing. RFC 2387, RFC 2046 §5.1, PS3.18 §8.7.1.

mod head;
mod read;
mod write;

pub(super) use head::PartHead;
pub(super) use read::{Event, MultipartError, PartLimits, Splitter};
pub(super) use write::Boundary;

#[cfg(test)]
mod tests;

//! File meta information: read, and written for the other transfer syntax. PS3.10 §7.1.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::TranscodeError;
use super::header::{self, ElementHeader, Syntax};

/// Where the data set begins; `None` while that cannot be said yet. `is_all` says that no more bytes come.
///
/// The group length (0002,0000) says it; files without one are taken until another group begins.
pub(super) fn end(bytes: &[u8], is_all: bool) -> Result<Option<usize>, TranscodeError> {
    let wait = |error| if is_all { Err(error) } else { Ok(None) };
    if bytes.len() < BEGIN {
        return wait(TranscodeError::NotDicom);
    }
    if bytes.get(128..BEGIN) != Some(b"DICM") {
        return Err(TranscodeError::NotDicom);
    }
    let mut at = BEGIN;
    loop {
        if at > MAX_META {
            return Err(TranscodeError::TooLarge { what: "bytes of file meta information", max: 1 << 20 });
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() && is_all && at > BEGIN {
            return Ok(Some(at));
        }
        let Some(group) = rest.first_chunk::<2>() else { return wait(TranscodeError::Truncated) };
        if u16::from_le_bytes(*group) != 0x0002 {
            return Ok(Some(at));
        }
        let Some((element, length)) = ElementHeader::read(rest, Syntax::EXPLICIT)? else {
            return wait(TranscodeError::Truncated);
        };
        let value = usize::try_from(element.length.ok_or(TranscodeError::Truncated)?).unwrap_or(usize::MAX);
        let next = at.saturating_add(length).saturating_add(value);
        if element.tag == tags::FILE_META_INFORMATION_GROUP_LENGTH && value == 4 {
            let Some(said) = rest.get(length..).and_then(|value| value.first_chunk::<4>()) else {
                return wait(TranscodeError::Truncated);
            };
            let said = usize::try_from(u32::from_le_bytes(*said)).unwrap_or(usize::MAX);
            let end = next.saturating_add(said);
            if end > MAX_META {
                return Err(TranscodeError::TooLarge { what: "bytes of file meta information", max: 1 << 20 });
            }
            return if end <= bytes.len() { Ok(Some(end)) } else { wait(TranscodeError::Truncated) };
        }
        at = next;
    }
}

/// The elements of the file meta information.
pub(super) struct Meta {
    elements: Vec<(Tag, VR, Vec<u8>)>,
}

impl Meta {
    /// Reads a whole one, with the preamble.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, TranscodeError> {
        let mut elements = Vec::new();
        let mut rest = bytes.get(BEGIN..).unwrap_or_default();
        while !rest.is_empty() {
            let (element, length) = ElementHeader::read(rest, Syntax::EXPLICIT)?.ok_or(TranscodeError::Truncated)?;
            let value =
                element.length.and_then(|value| usize::try_from(value).ok()).ok_or(TranscodeError::Truncated)?;
            let end = length.checked_add(value).ok_or(TranscodeError::Truncated)?;
            let value = rest.get(length..end).ok_or(TranscodeError::Truncated)?;
            elements.push((element.tag, element.vr, value.to_vec()));
            rest = rest.get(end..).unwrap_or_default();
        }
        Ok(Self { elements })
    }

    pub(super) fn transfer_syntax_uid(&self) -> Result<String, TranscodeError> {
        let found = self.elements.iter().find(|(tag, ..)| *tag == tags::TRANSFER_SYNTAX_UID);
        let (.., value) = found.ok_or(TranscodeError::NoTransferSyntax)?;
        let uid = String::from_utf8_lossy(value);
        let uid = uid.trim_end_matches(['\0', ' ']);
        if uid.is_empty() { Err(TranscodeError::NoTransferSyntax) } else { Ok(uid.to_owned()) }
    }

    /// Preamble and group, with the transfer syntax replaced.
    pub(super) fn write(&self, transfer_syntax_uid: &str) -> Result<Vec<u8>, TranscodeError> {
        let mut group = Vec::new();
        for (tag, vr, value) in &self.elements {
            match *tag {
                tags::FILE_META_INFORMATION_GROUP_LENGTH => {}
                tags::TRANSFER_SYNTAX_UID => {
                    header::element(&mut group, Syntax::EXPLICIT, *tag, VR::UI, transfer_syntax_uid.as_bytes())?;
                }
                tag => header::element(&mut group, Syntax::EXPLICIT, tag, *vr, value)?,
            }
        }
        let length = u32::try_from(group.len()).or(Err(TranscodeError::Truncated))?;
        let mut out = vec![0; 128];
        out.extend_from_slice(b"DICM");
        let tag = tags::FILE_META_INFORMATION_GROUP_LENGTH;
        header::element(&mut out, Syntax::EXPLICIT, tag, VR::UL, &length.to_le_bytes())?;
        out.append(&mut group);
        Ok(out)
    }
}

/// Preamble and marker.
const BEGIN: usize = 132;
/// Far more than any file has.
const MAX_META: usize = 1 << 20;

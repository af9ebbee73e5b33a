//! File meta information: read from files of others, written for those that are kept. PS3.10 §7.1.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::base::{AeTitle, Uid};

use super::super::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, has_short_length};
use super::HeaderError;

/// What the file meta information of a file says, as it stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileMeta {
    /// (0002,0002).
    pub sop_class_uid: Option<String>,
    /// (0002,0003).
    pub sop_instance_uid: Option<String>,
    /// (0002,0010).
    pub transfer_syntax_uid: Option<String>,
    /// (0002,0016).
    pub source_ae_title: Option<String>,
}

/// Reads the beginning of a file as it comes.
#[derive(Debug, Default)]
pub struct MetaReader {
    buffer: Vec<u8>,
}

impl MetaReader {
    /// Takes bytes; `Some` when the file meta information is there, and with it those bytes that belong to the data
    /// set.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<(FileMeta, Vec<u8>)>, HeaderError> {
        self.buffer.extend_from_slice(bytes);
        let Some((meta, rest)) = self.read(false)? else { return Ok(None) };
        Ok(Some((meta, self.buffer.split_off(self.buffer.len().saturating_sub(rest)))))
    }

    /// The file has ended: what is there has to be all of it.
    pub fn finish(&self) -> Result<FileMeta, HeaderError> {
        match self.read(true)? {
            Some((meta, _)) => Ok(meta),
            None if self.buffer.is_empty() => Err(HeaderError::NotDicom),
            None => Err(HeaderError::Meta),
        }
    }

    fn read(&self, is_end: bool) -> Result<Option<(FileMeta, usize)>, HeaderError> {
        let start = match self.buffer.get(128..132) {
            Some(b"DICM") => 132,
            Some(_) if self.buffer.starts_with(b"DICM") => 4,
            Some(_) => return Err(HeaderError::NotDicom),
            None if is_end => return Err(HeaderError::NotDicom),
            None => return Ok(None),
        };
        let mut meta = FileMeta::default();
        let mut at = start;
        loop {
            let rest = self.buffer.get(at..).unwrap_or_default();
            let group = rest.first_chunk::<2>().map(|group| u16::from_le_bytes(*group));
            match group {
                Some(0x0002) => {}
                // The first group is 0002 or this is no DICOM file.
                Some(_) if at == start => return Err(HeaderError::Meta),
                Some(_) => return Ok(Some((meta, rest.len()))),
                None if is_end && at > start => return Ok(Some((meta, 0))),
                None => return Ok(None),
            }
            if at > MAX_BYTES {
                return Err(HeaderError::Meta);
            }
            let Some((tag, vr, size, length)) = element(rest)? else { return Ok(None) };
            if length > MAX_BYTES {
                return Err(HeaderError::Meta);
            }
            let Some(value) = rest.get(size..size + length) else { return Ok(None) };
            let text = || {
                let text = String::from_utf8_lossy(value);
                Some(text.trim_matches([' ', '\0']).to_owned()).filter(|text| !text.is_empty())
            };
            match (tag, vr) {
                (tags::MEDIA_STORAGE_SOP_CLASS_UID, VR::UI) => meta.sop_class_uid = text(),
                (tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI) => meta.sop_instance_uid = text(),
                (tags::TRANSFER_SYNTAX_UID, VR::UI) => meta.transfer_syntax_uid = text(),
                (tags::SOURCE_APPLICATION_ENTITY_TITLE, VR::AE) => meta.source_ae_title = text(),
                _ => {}
            }
            at += size + length;
        }
    }
}

/// Tag, VR, length of the header and of the value; `None` if more bytes are needed.
fn element(rest: &[u8]) -> Result<Option<(Tag, VR, usize, usize)>, HeaderError> {
    let Some(head) = rest.first_chunk::<8>() else { return Ok(None) };
    let [group_low, group_high, low, high, first, second, length @ ..] = *head;
    let tag = Tag(u16::from_le_bytes([group_low, group_high]), u16::from_le_bytes([low, high]));
    let vr = VR::from_binary([first, second]).ok_or(HeaderError::Meta)?;
    if has_short_length(vr) {
        return Ok(Some((tag, vr, 8, usize::from(u16::from_le_bytes(length)))));
    }
    let Some(length) = rest.get(8..).and_then(|length| length.first_chunk::<4>()) else { return Ok(None) };
    let length = usize::try_from(u32::from_le_bytes(*length)).or(Err(HeaderError::Meta))?;
    Ok(Some((tag, vr, 12, length)))
}

/// What our file meta information says.
#[derive(Debug, Clone, Copy)]
pub struct NewMeta<'a> {
    /// (0002,0002).
    pub sop_class_uid: &'a Uid,
    /// (0002,0003).
    pub sop_instance_uid: &'a Uid,
    /// (0002,0010).
    pub transfer_syntax_uid: &'a str,
    /// (0002,0016): who the instance comes from.
    pub source: Option<&'a AeTitle>,
    /// (0002,0017): who sent it to us over the network.
    pub sending: Option<&'a AeTitle>,
    /// (0002,0018): as whom we took it.
    pub receiving: Option<&'a AeTitle>,
}

impl NewMeta<'_> {
    /// A preamble of zeros, the marker, and the elements: all that stands in front of the data set.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut group = Vec::with_capacity(256);
        put(&mut group, tags::FILE_META_INFORMATION_VERSION, *b"OB", &[0, 1], 0);
        put(&mut group, tags::MEDIA_STORAGE_SOP_CLASS_UID, *b"UI", self.sop_class_uid.as_str().as_bytes(), 0);
        put(&mut group, tags::MEDIA_STORAGE_SOP_INSTANCE_UID, *b"UI", self.sop_instance_uid.as_str().as_bytes(), 0);
        put(&mut group, tags::TRANSFER_SYNTAX_UID, *b"UI", self.transfer_syntax_uid.as_bytes(), 0);
        put(&mut group, tags::IMPLEMENTATION_CLASS_UID, *b"UI", IMPLEMENTATION_CLASS_UID.as_bytes(), 0);
        put(&mut group, tags::IMPLEMENTATION_VERSION_NAME, *b"SH", IMPLEMENTATION_VERSION_NAME.as_bytes(), b' ');
        let titles = [
            (tags::SOURCE_APPLICATION_ENTITY_TITLE, self.source),
            (tags::SENDING_APPLICATION_ENTITY_TITLE, self.sending),
            (tags::RECEIVING_APPLICATION_ENTITY_TITLE, self.receiving),
        ];
        for (tag, title) in titles {
            if let Some(title) = title {
                put(&mut group, tag, *b"AE", title.as_str().as_bytes(), b' ');
            }
        }
        let mut out = Vec::with_capacity(144 + group.len());
        out.resize(128, 0);
        out.extend_from_slice(b"DICM");
        let length = u32::try_from(group.len()).unwrap_or(u32::MAX);
        put(&mut out, tags::FILE_META_INFORMATION_GROUP_LENGTH, *b"UL", &length.to_le_bytes(), 0);
        out.append(&mut group);
        out
    }
}

/// Writes an element of at most 64 KiB, padded to even length.
fn put(out: &mut Vec<u8>, tag: Tag, vr: [u8; 2], value: &[u8], padding: u8) {
    let length = value.len() + value.len() % 2;
    out.extend_from_slice(&tag.group().to_le_bytes());
    out.extend_from_slice(&tag.element().to_le_bytes());
    out.extend_from_slice(&vr);
    if vr == *b"OB" {
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    } else {
        out.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    }
    out.extend_from_slice(value);
    if value.len() % 2 == 1 {
        out.push(padding);
    }
}

/// Bytes of the file meta information that are looked at.
const MAX_BYTES: usize = 64 * 1024;

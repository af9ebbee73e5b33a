//! An instance on its way to a peer: the bytes of a Part-10 file and the four facts that sending needs
//! from its File Meta Information (PS3.10 §7.1). The data set itself is not parsed here.

use bytes::Bytes;

use crate::base::Uid;

/// A Part-10 file in memory.
#[derive(Debug, Clone)]
pub struct Instance {
    file: Bytes,
    data_set_at: usize,
    /// Media Storage SOP Class UID (0002,0002).
    pub sop_class_uid: Uid,
    /// Media Storage SOP Instance UID (0002,0003).
    pub sop_instance_uid: Uid,
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax_uid: Uid,
}

/// Why bytes are not a Part-10 file that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// The preamble of 128 bytes and `DICM` are missing.
    #[error("no DICOM file signature at byte 128")]
    Signature,
    /// An element of group 0002 is cut off or not in Explicit VR Little Endian.
    #[error("file meta information is malformed at byte {0}")]
    Malformed(usize),
    /// An element that sending needs is missing or not a UID.
    #[error("file meta information has no valid {0}")]
    Missing(&'static str),
    /// No data set follows.
    #[error("no data set follows the file meta information")]
    Empty,
}

impl Instance {
    /// Reads the File Meta Information of `file`.
    pub fn parse(file: Bytes) -> Result<Self, InstanceError> {
        if file.get(PREAMBLE..PREAMBLE + 4) != Some(b"DICM") {
            return Err(InstanceError::Signature);
        }
        let (mut sop_class, mut sop_instance, mut transfer_syntax) = (None, None, None);
        let mut at = PREAMBLE + 4;
        while file.get(at..at + 2) == Some(&GROUP_2) {
            let element = meta_element(&file, at).ok_or(InstanceError::Malformed(at))?;
            let value = file.get(element.value_at..element.end).ok_or(InstanceError::Malformed(at))?;
            match element.number {
                0x0002 => sop_class = Some(uid(value)),
                0x0003 => sop_instance = Some(uid(value)),
                0x0010 => transfer_syntax = Some(uid(value)),
                _ => {}
            }
            at = element.end;
        }
        if at >= file.len() {
            return Err(InstanceError::Empty);
        }
        let needed = |value: Option<Option<Uid>>, name| value.flatten().ok_or(InstanceError::Missing(name));
        Ok(Self {
            sop_class_uid: needed(sop_class, "MediaStorageSOPClassUID")?,
            sop_instance_uid: needed(sop_instance, "MediaStorageSOPInstanceUID")?,
            transfer_syntax_uid: needed(transfer_syntax, "TransferSyntaxUID")?,
            data_set_at: at,
            file,
        })
    }

    /// The whole file.
    pub fn file(&self) -> &Bytes {
        &self.file
    }

    /// The data set without File Meta Information, in `transfer_syntax_uid`.
    pub fn data_set(&self) -> Bytes {
        self.file.slice(self.data_set_at..)
    }
}

struct MetaElement {
    number: u16,
    value_at: usize,
    end: usize,
}

/// The element at `at` in Explicit VR Little Endian. PS3.5 §7.1.2.
fn meta_element(file: &[u8], at: usize) -> Option<MetaElement> {
    let number = u16::from_le_bytes(file.get(at + 2..at + 4)?.try_into().ok()?);
    let vr = file.get(at + 4..at + 6)?;
    let (value_at, length) = if LONG_VRS.iter().any(|long| long.as_slice() == vr) {
        let length = u32::from_le_bytes(file.get(at + 8..at + 12)?.try_into().ok()?);
        (at + 12, usize::try_from(length).ok()?)
    } else if vr.iter().all(u8::is_ascii_uppercase) {
        (at + 8, usize::from(u16::from_le_bytes(file.get(at + 6..at + 8)?.try_into().ok()?)))
    } else {
        return None;
    };
    let end = value_at.checked_add(length).filter(|end| *end <= file.len())?;
    Some(MetaElement { number, value_at, end })
}

/// A UID value without its padding.
fn uid(value: &[u8]) -> Option<Uid> {
    let text = std::str::from_utf8(value).ok()?;
    Uid::parse(text.trim_end_matches(['\0', ' '])).ok()
}

/// Bytes before the signature. PS3.10 §7.1.
const PREAMBLE: usize = 128;
/// Group number 0002 in little endian.
const GROUP_2: [u8; 2] = [0x02, 0x00];
/// The VRs with a length of 32 bits that group 0002 may hold.
const LONG_VRS: [&[u8; 2]; 3] = [b"OB", b"UN", b"UT"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(elements: &[(u16, &[u8; 2], &[u8])], rest: &[u8]) -> Bytes {
        let mut out = vec![0; PREAMBLE];
        out.extend_from_slice(b"DICM");
        for (number, vr, value) in elements {
            out.extend_from_slice(&GROUP_2);
            out.extend_from_slice(&number.to_le_bytes());
            out.extend_from_slice(*vr);
            if LONG_VRS.contains(vr) {
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&u32::try_from(value.len()).expect("short").to_le_bytes());
            } else {
                out.extend_from_slice(&u16::try_from(value.len()).expect("short").to_le_bytes());
            }
            out.extend_from_slice(value);
        }
        out.extend_from_slice(rest);
        out.into()
    }

    #[test]
    fn the_file_meta_information_is_read_and_the_data_set_found() {
        let bytes = file(
            &[
                (0x0001, b"OB", &[0, 1]),
                (0x0002, b"UI", b"1.2.840.10008.5.1.4.1.1.88.11\0"),
                (0x0003, b"UI", b"1.2.3\0"),
                (0x0010, b"UI", b"1.2.840.10008.1.2.1\0"),
            ],
            &[8, 0, 5, 0, b'C', b'S', 0, 0],
        );
        let instance = Instance::parse(bytes).expect("reads");
        assert_eq!(instance.sop_instance_uid.as_str(), "1.2.3");
        assert_eq!(instance.transfer_syntax_uid.as_str(), "1.2.840.10008.1.2.1");
        assert_eq!(instance.data_set().as_ref(), [8, 0, 5, 0, b'C', b'S', 0, 0]);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let refused = |bytes: Bytes| Instance::parse(bytes).expect_err("refused");
        assert_eq!(refused(Bytes::from_static(b"DICM")), InstanceError::Signature);
        assert_eq!(
            refused(file(&[(0x0002, b"UI", b"1.2\0")], &[8, 0])),
            InstanceError::Missing("MediaStorageSOPInstanceUID")
        );
        assert_eq!(refused(file(&[], &[])), InstanceError::Empty);
        assert_eq!(refused(file(&[(0x0002, b"UI", b"1.2\0")], &[2, 0, 3, 0, b'U', b'I', 9, 0])), {
            InstanceError::Malformed(144)
        });
        assert_eq!(
            refused(file(&[(0x0002, b"UI", b"../etc")], &[8, 0])),
            InstanceError::Missing("MediaStorageSOPClassUID")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Instance::parse(file(&[(0x0002, b"UI", b"1.2\0")], &tail));
            let _ = Instance::parse(tail.into());
        }
    }
}

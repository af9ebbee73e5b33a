//! Pixel data that comes beside its metadata, as the element that it becomes. PS3.18 §8.7.3, PS3.5 §A.4.

use super::super::media::{Media, OCTET_STREAM, Syntaxes, default_syntax};

/// Pixel data of an instance, frame by frame where it is compressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    /// The transfer syntax that the instance gets by them.
    pub(super) transfer_syntax_uid: String,
    /// The bytes, a frame each where they are compressed.
    pub(super) frames: Vec<Vec<u8>>,
}

impl Pixels {
    /// From parts of the same location, in the order of their frames. `None` if they are of no kind that is known, or
    /// of several.
    pub(super) fn of(parts: &[(Option<Media>, &[u8])]) -> Option<Self> {
        let mut syntaxes = parts.iter().map(|(media, bytes)| transfer_syntax(media.as_ref(), bytes));
        let transfer_syntax_uid = syntaxes.next()??;
        if syntaxes.any(|other| other.as_deref() != Some(&transfer_syntax_uid)) {
            return None;
        }
        let frames = parts.iter().map(|(_, bytes)| bytes.to_vec()).collect();
        Some(Self { transfer_syntax_uid, frames })
    }

    /// Whether the bytes are those of an encapsulated transfer syntax.
    pub(super) fn is_encapsulated(&self) -> bool {
        self.transfer_syntax_uid != EXPLICIT_LITTLE_ENDIAN
    }

    /// The element (7FE0,0010) in Explicit VR Little Endian. `is_wide` says that pixels have more than eight bits.
    /// `None` if it would be longer than its length field can say.
    pub(super) fn element(&self, is_wide: bool) -> Option<Vec<u8>> {
        let mut out = vec![0xe0, 0x7f, 0x10, 0x00];
        if !self.is_encapsulated() {
            out.extend_from_slice(if is_wide { b"OW\0\0" } else { b"OB\0\0" });
            let content = self.frames.concat();
            out.extend_from_slice(&even(content.len())?.to_le_bytes());
            push_even(&mut out, &content);
            return Some(out);
        }
        out.extend_from_slice(b"OB\0\0\xff\xff\xff\xff");
        out.extend_from_slice(ITEM);
        let offsets = self.offsets();
        out.extend_from_slice(&u32::try_from(offsets.len() * 4).ok()?.to_le_bytes());
        for offset in offsets {
            out.extend_from_slice(&offset.to_le_bytes());
        }
        for frame in &self.frames {
            out.extend_from_slice(ITEM);
            out.extend_from_slice(&even(frame.len())?.to_le_bytes());
            push_even(&mut out, frame);
        }
        out.extend_from_slice(b"\xfe\xff\xdd\xe0\0\0\0\0");
        Some(out)
    }

    /// The Basic Offset Table; empty for one frame, and where offsets are too long for it. PS3.5 §A.4.
    fn offsets(&self) -> Vec<u32> {
        if self.frames.len() < 2 {
            return Vec::new();
        }
        let mut at = 0_usize;
        let mut offsets = Vec::with_capacity(self.frames.len());
        for frame in &self.frames {
            match u32::try_from(at) {
                Ok(offset) => offsets.push(offset),
                Err(_too_long) => return Vec::new(),
            }
            at += 8 + frame.len().next_multiple_of(2);
        }
        offsets
    }
}

/// The transfer syntax of a part: what it says, or what its media type stands for. PS3.18 Tables 8.7.3-2 to 8.7.3-5.
/// `image/jpeg` stands for several, which the bytes tell apart.
fn transfer_syntax(media: Option<&Media>, bytes: &[u8]) -> Option<String> {
    let Some(media) = media else { return Some(EXPLICIT_LITTLE_ENDIAN.to_owned()) };
    let syntax = match media.syntaxes() {
        // Others of these are no form that bulk data may have.
        Syntaxes::One(uid) if media.essence() == OCTET_STREAM => {
            return (uid == EXPLICIT_LITTLE_ENDIAN || is_encapsulated(&uid)).then_some(uid);
        }
        Syntaxes::One(uid) => return is_encapsulated(&uid).then_some(uid),
        Syntaxes::Default | Syntaxes::Any => match media.essence() {
            "image/jpeg" => jpeg_process(bytes)?,
            essence => default_syntax(essence)?,
        },
    };
    Some(syntax.to_owned())
}

fn is_encapsulated(uid: &str) -> bool {
    crate::dicom::transfer_syntax::Encoding::of(uid).is_some_and(|encoding| encoding.is_encapsulated)
}

/// The process of a JPEG stream by its frame header. ISO/IEC 10918-1 Table B.1, PS3.5 §A.4.1.
fn jpeg_process(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        match rest {
            [0xff, 0xff, ..] => rest = rest.get(1..)?,
            [0xff, 0xc0, ..] => return Some("1.2.840.10008.1.2.4.50"),
            [0xff, 0xc1, ..] => return Some("1.2.840.10008.1.2.4.51"),
            [0xff, 0xc3, ..] => return Some("1.2.840.10008.1.2.4.70"),
            [0xff, 0xc2 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xd9 | 0xda, ..] => return None,
            [0xff, 0x01 | 0xd0..=0xd7, ..] => rest = rest.get(2..)?,
            [0xff, _, high, low, ..] => rest = rest.get(2 + usize::from(u16::from_be_bytes([*high, *low]))..)?,
            _ => return None,
        }
    }
}

/// A length with its padding, if a length field can say it.
fn even(length: usize) -> Option<u32> {
    u32::try_from(length.next_multiple_of(2)).ok().filter(|length| *length < u32::MAX)
}

fn push_even(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    if bytes.len() % 2 == 1 {
        out.push(0);
    }
}

const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// (FFFE,E000).
const ITEM: &[u8] = b"\xfe\xff\x00\xe0";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str, bytes: &[u8]) -> Option<String> {
        Pixels::of(&[(Media::parse(text), bytes)]).map(|pixels| pixels.transfer_syntax_uid)
    }

    #[test]
    fn the_media_type_says_the_transfer_syntax() {
        let uid = |rest: &str| Some(format!("1.2.840.10008.1.2.{rest}"));
        for (text, expected) in [
            ("application/octet-stream", uid("1")),
            ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", uid("1")),
            ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2", None),
            ("image/jp2", uid("4.90")),
            ("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91", uid("4.91")),
            ("image/dicom-rle", uid("5")),
            ("image/jpeg; transfer-syntax=1.2.840.10008.1.2.1", None),
            ("image/png", None),
        ] {
            assert_eq!(of(text, b""), expected, "{text}");
        }
        for (marker, expected) in [(0xc0, uid("4.50")), (0xc1, uid("4.51")), (0xc3, uid("4.70")), (0xc2, None)] {
            let stream = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, marker, 0, 2];
            assert_eq!(of("image/jpeg", &stream), expected);
        }
    }

    #[test]
    fn frames_become_fragments_with_offsets() {
        let jls = Media::parse("image/jls");
        let pixels = Pixels::of(&[(jls.clone(), b"abc"), (jls.clone(), b"de")]).expect("are of one kind");
        let element = pixels.element(true).expect("fits");
        let expected = [
            b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\x08\0\0\0\0\0\0\0\x0c\0\0\0".as_slice(),
            b"\xfe\xff\x00\xe0\x04\0\0\0abc\0\xfe\xff\x00\xe0\x02\0\0\0de\xfe\xff\xdd\xe0\0\0\0\0",
        ];
        assert_eq!(element, expected.concat());
        let native = Pixels::of(&[(None, b"abc")]).expect("is known");
        assert_eq!(native.element(true).expect("fits"), b"\xe0\x7f\x10\x00OW\0\0\x04\0\0\0abc\0");
        assert_eq!(native.element(false).expect("fits"), b"\xe0\x7f\x10\x00OB\0\0\x04\0\0\0abc\0");
        assert_eq!(Pixels::of(&[(jls, b"abc"), (None, b"de")]), None);
    }

    proptest! {
        #[test]
        fn any_stream_is_looked_at_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut stream = b"\xff\xd8\xff".to_vec();
            stream.extend(bytes);
            let _ = of("image/jpeg", &stream);
        }
    }
}

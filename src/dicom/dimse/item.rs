//! The items of a variable field: type, reserved byte, 16-bit length, value. PS3.8 §9.3.2.

use super::pdu::PduError;

/// The items of a variable field, one after the other. After an error there are no more.
pub(super) fn items(mut rest: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), PduError>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(([kind, _, high, low], tail)) = rest.split_first_chunk::<4>() else {
            rest = &[];
            return Some(Err(CUT_ITEM));
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((value, tail)) = tail.split_at_checked(length) else {
            rest = &[];
            return Some(Err(CUT_ITEM));
        };
        rest = tail;
        Some(Ok((*kind, value)))
    })
}

/// Writes an item whose value `write` writes. A value that is too long for its length field is an error.
pub(super) fn put(
    out: &mut Vec<u8>,
    kind: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), PduError>,
) -> Result<(), PduError> {
    out.extend_from_slice(&[kind, 0, 0, 0]);
    let begin = out.len();
    write(out)?;
    let length = u16::try_from(out.len() - begin).map_err(|_overflow| TOO_LONG)?;
    if let Some(place) = out.get_mut(begin - 2..begin) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Writes an item of text.
pub(super) fn put_text(out: &mut Vec<u8>, kind: u8, text: &str) -> Result<(), PduError> {
    put(out, kind, |out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })
}

/// A text that begins with its length in 16 bits, and what follows it.
pub(super) fn counted_text(value: &[u8]) -> Result<(String, &[u8]), PduError> {
    let ([high, low], rest) = value.split_first_chunk::<2>().ok_or(CUT_ITEM)?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (text, rest) = rest.split_at_checked(length).ok_or(CUT_ITEM)?;
    Ok((printable(text), rest))
}

/// Writes a text that begins with its length in 16 bits.
pub(super) fn put_counted_text(out: &mut Vec<u8>, text: &str) -> Result<(), PduError> {
    let length = u16::try_from(text.len()).map_err(|_overflow| TOO_LONG)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The printable ASCII of a value, without what pads it.
pub(super) fn printable(value: &[u8]) -> String {
    let letters = value.iter().filter(|byte| (0x20..0x7f).contains(*byte)).map(|byte| char::from(*byte));
    letters.collect::<String>().trim().to_owned()
}

/// The first four bytes.
pub(super) fn four(value: &[u8]) -> Result<[u8; 4], PduError> {
    value.first_chunk::<4>().copied().ok_or(CUT_ITEM)
}

const CUT_ITEM: PduError = PduError::invalid("an item that is cut off");
const TOO_LONG: PduError = PduError::invalid("an item that is too long");

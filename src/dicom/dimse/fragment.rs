//! Bytes of commands and data sets, cut into units that the peer takes. PS3.8 §9.3.5, §E.2.

/// Cuts what is pushed into P-DATA-TF units. The last piece is held back until it is known to be the last.
#[derive(Debug)]
pub struct Fragmenter {
    context_id: u8,
    control: u8,
    max_fragment_bytes: usize,
    held: Vec<u8>,
}

impl Fragmenter {
    /// For the command set of a message.
    pub fn command(context_id: u8, max_fragment_bytes: usize) -> Self {
        Self { context_id, control: OF_COMMAND, max_fragment_bytes, held: Vec::new() }
    }

    /// For the data set of a message.
    pub fn data_set(context_id: u8, max_fragment_bytes: usize) -> Self {
        Self { context_id, control: 0, max_fragment_bytes, held: Vec::new() }
    }

    /// Takes bytes, and writes the units to `out` that are full now and not the last.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.held.len() == self.max_fragment_bytes {
                write(out, self.context_id, self.control, &self.held);
                self.held.clear();
            }
            // A whole piece with something behind it needs no stay in between.
            if self.held.is_empty()
                && let Some((piece, rest)) =
                    bytes.split_at_checked(self.max_fragment_bytes).filter(|(_, rest)| !rest.is_empty())
            {
                write(out, self.context_id, self.control, piece);
                bytes = rest;
                continue;
            }
            let room = self.max_fragment_bytes - self.held.len();
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            self.held.extend_from_slice(piece);
            bytes = rest;
        }
    }

    /// Writes the last unit.
    pub fn finish(self, out: &mut Vec<u8>) {
        write(out, self.context_id, self.control | IS_LAST, &self.held);
    }
}

/// The longest piece that fits into a unit of a peer that has announced `max_pdu_bytes`, cut to an even
/// length; `None` if nothing fits. A peer without limit gets units of the size that we take ourselves.
pub fn max_fragment_bytes(max_pdu_bytes: Option<u32>) -> Option<usize> {
    let unit = match max_pdu_bytes {
        None | Some(0) => MAX_SENT_BYTES,
        Some(limit) => limit.min(MAX_SENT_BYTES),
    };
    let fragment = usize::try_from(unit.checked_sub(6)?).ok()? & !1;
    (fragment > 0).then_some(fragment)
}

/// A unit with one data value.
fn write(out: &mut Vec<u8>, context_id: u8, control: u8, piece: &[u8]) {
    let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
    out.reserve(piece.len() + UNIT_OVERHEAD);
    out.extend_from_slice(&[0x04, 0]);
    out.extend_from_slice(&length.saturating_add(6).to_be_bytes());
    out.extend_from_slice(&length.saturating_add(2).to_be_bytes());
    out.extend_from_slice(&[context_id, control]);
    out.extend_from_slice(piece);
}

/// Greatest length of a unit that we send, whatever the peer allows.
const MAX_SENT_BYTES: u32 = 131_072;
/// Headers of a unit with one data value.
const UNIT_OVERHEAD: usize = 12;
/// Message control header: the fragment belongs to a command. PS3.8 §E.2.
const OF_COMMAND: u8 = 1;
/// Message control header: the fragment is the last one.
const IS_LAST: u8 = 2;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::pdu::{Header, Pdu};
    use super::*;

    #[test]
    fn a_limit_that_holds_no_data_is_none() {
        assert_eq!(max_fragment_bytes(None), Some(131_066));
        assert_eq!(max_fragment_bytes(Some(0)), Some(131_066));
        assert_eq!(max_fragment_bytes(Some(1_025)), Some(1_018));
        assert_eq!(max_fragment_bytes(Some(7)), None);
        assert_eq!(max_fragment_bytes(Some(5)), None);
    }

    #[test]
    fn an_empty_data_set_is_one_empty_unit() {
        let mut out = Vec::new();
        Fragmenter::data_set(3, 10).finish(&mut out);
        assert_eq!(out, [4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 3, 2]);
    }

    proptest! {
        #[test]
        fn every_byte_is_sent_once_and_only_the_last_unit_is_the_last(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..8),
            half in 1_usize..20,
        ) {
            let mut out = Vec::new();
            let mut fragmenter = Fragmenter::command(1, half * 2);
            for piece in &pieces {
                fragmenter.push(piece, &mut out);
            }
            fragmenter.finish(&mut out);
            let (mut rest, mut data) = (Bytes::from(out), Vec::new());
            while !rest.is_empty() {
                let header = Header::parse(rest[..6].try_into().expect("6 bytes"), 0, 46).expect("a unit");
                let body = rest.slice(6..6 + header.length());
                rest = rest.slice(6 + header.length()..);
                let Ok(Pdu::Data(fragments)) = header.body(body) else { panic!("data") };
                prop_assert_eq!(fragments.len(), 1);
                prop_assert_eq!(fragments[0].is_last, rest.is_empty());
                prop_assert!(fragments[0].of_command && fragments[0].data.len() <= half * 2);
                data.extend_from_slice(&fragments[0].data);
            }
            prop_assert_eq!(data, pieces.concat());
        }
    }
}

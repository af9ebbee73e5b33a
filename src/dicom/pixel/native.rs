//! Native pixel data: order of bytes, and frames of single bits. PS3.5 §7.3 and §8.1.1.

use std::borrow::Cow;

/// Turns big endian words of `unit` bytes (1, 2, 4 or 8) into little endian ones in place. A rest shorter
/// than a word stays.
pub fn little_endian(bytes: &mut [u8], unit: usize) {
    match unit {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|word| word.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|word| word.reverse()),
        _ => {}
    }
}

/// The `bits` bits behind the first `skip` ones, moved to the front of the first byte. The first pixel is
/// the least significant bit. `None` if there are not so many.
pub(super) fn cut_bits(bytes: &[u8], skip: u64, bits: u64) -> Option<Cow<'_, [u8]>> {
    let first = usize::try_from(skip / 8).ok()?;
    let last = usize::try_from(skip.checked_add(bits)?.div_ceil(8)).ok()?;
    let taken = bytes.get(first..last)?;
    let shift = skip % 8;
    if shift == 0 && bits.is_multiple_of(8) {
        return Some(Cow::Borrowed(taken));
    }
    let length = usize::try_from(bits.div_ceil(8)).ok()?;
    let next = taken.iter().skip(1).copied().chain([0]);
    let mut out: Vec<u8> = if shift == 0 {
        taken.to_vec()
    } else {
        taken.iter().zip(next).map(|(low, high)| (low >> shift) | (high << (8 - shift))).collect()
    };
    out.truncate(length);
    clear_behind(&mut out, bits);
    Some(Cow::Owned(out))
}

/// Appends the first `bits` bits of `frame` to `out`, which holds `filled` bits.
pub fn join_bits(out: &mut Vec<u8>, filled: u64, frame: &[u8], bits: u64) {
    let length = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX).min(frame.len());
    let frame = frame.get(..length).unwrap_or_default();
    let shift = filled % 8;
    if shift == 0 {
        out.extend_from_slice(frame);
    } else {
        for byte in frame {
            if let Some(last) = out.last_mut() {
                *last |= byte << shift;
            }
            out.push(byte >> (8 - shift));
        }
    }
    let all = filled + bits;
    out.truncate(usize::try_from(all.div_ceil(8)).unwrap_or(usize::MAX));
    clear_behind(out, all);
}

/// Clears what is behind the last of `bits` bits in the last byte.
fn clear_behind(bytes: &mut [u8], bits: u64) {
    let used = bits % 8;
    if used > 0
        && let Some(last) = bytes.last_mut()
    {
        *last &= (1 << used) - 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_turned() {
        let mut bytes = [1, 2, 3, 4, 5];
        little_endian(&mut bytes, 2);
        assert_eq!(bytes, [2, 1, 4, 3, 5]);
        little_endian(&mut bytes, 4);
        assert_eq!(bytes, [3, 4, 1, 2, 5]);
    }

    #[test]
    fn a_frame_may_begin_within_a_byte() {
        let bytes = [0b1010_1100, 0b0000_0011];
        assert_eq!(cut_bits(&bytes, 2, 9).unwrap().as_ref(), [0b1110_1011, 0]);
        assert_eq!(cut_bits(&bytes, 0, 16).unwrap().as_ref(), bytes);
        assert_eq!(cut_bits(&bytes, 9, 8), None);
    }

    proptest! {
        #[test]
        fn frames_of_bits_come_out_as_they_went_in(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 3), 1..6), bits in 1_u64..=24,
        ) {
            let mut joined = Vec::new();
            for (index, frame) in frames.iter().enumerate() {
                join_bits(&mut joined, index as u64 * bits, frame, bits);
            }
            prop_assert_eq!(joined.len() as u64, (frames.len() as u64 * bits).div_ceil(8));
            for (index, frame) in frames.iter().enumerate() {
                let cut = cut_bits(&joined, index as u64 * bits, bits).unwrap();
                let expected = cut_bits(frame, 0, bits).unwrap();
                prop_assert_eq!(cut, expected);
            }
        }
    }
}

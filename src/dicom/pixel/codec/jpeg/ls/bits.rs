//! The bits of a scan, and Golomb codes. §A.1, Annex A.5.3.

use super::super::super::super::PixelError;
use super::damaged;

/// Entropy coded data. Behind a byte of ones, one bit is stuffed. §A.1.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits from the most significant on.
    buffer: u64,
    count: u32,
    is_behind_ones: bool,
    /// How many bits were put into the buffer behind the end.
    padding: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, buffer: 0, count: 0, is_behind_ones: false, padding: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let (byte, width) = match self.bytes {
                [] | [0xff, 0x80..=0xff, ..] => {
                    self.padding = self.padding.saturating_add(8);
                    (0, 8)
                }
                [byte, rest @ ..] => {
                    self.bytes = rest;
                    let width = if self.is_behind_ones { 7 } else { 8 };
                    self.is_behind_ones = *byte == 0xff;
                    (*byte, width)
                }
            };
            self.buffer |= u64::from(byte) << (64 - width - self.count);
            self.count += width;
        }
    }

    fn skip(&mut self, count: u32) {
        self.buffer = self.buffer.checked_shl(count).unwrap_or_default();
        self.count -= count;
    }

    /// Whether bits were used that are not there.
    pub(super) fn is_overrun(&self) -> bool {
        self.padding > self.count
    }

    pub(super) fn bit(&mut self) -> bool {
        self.read(1) == 1
    }

    /// A number of up to 31 bits.
    pub(super) fn read(&mut self, width: u32) -> i32 {
        if width == 0 {
            return 0;
        }
        if self.count < 32 {
            self.fill();
        }
        let value = self.buffer >> (64 - width);
        self.skip(width);
        i32::try_from(value).unwrap_or(i32::MAX)
    }

    /// A number in Golomb code of order `k`, in at most `limit` bits; `width` bits of a number that is too
    /// great for the code. §A.5.3.
    pub(super) fn golomb(&mut self, k: u32, limit: u32, width: u32) -> Result<i32, PixelError> {
        let zeros = self.zeros(limit)?;
        if zeros + width + 1 < limit {
            let high = i32::try_from(zeros).or(Err(damaged()))? << k;
            Ok(high + self.read(k))
        } else {
            Ok(self.read(width) + 1)
        }
    }

    /// Passes over zeros and the one behind them; how many zeros.
    fn zeros(&mut self, limit: u32) -> Result<u32, PixelError> {
        let mut zeros = 0;
        loop {
            if self.count < 32 {
                self.fill();
            }
            let here = self.buffer.leading_zeros().min(self.count);
            zeros += here;
            if zeros > limit {
                return Err(damaged());
            }
            if here < self.count {
                self.skip(here + 1);
                return Ok(zeros);
            }
            self.skip(here);
        }
    }
}

/// Entropy coded data that is written.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that fill no byte yet, from the least significant on.
    buffer: u64,
    count: u32,
}

impl BitWriter {
    /// Writes the lowest `width` bits, at most 31.
    pub(super) fn put(&mut self, value: u32, width: u32) {
        self.buffer = (self.buffer << width) | (u64::from(value) & ((1 << width) - 1));
        self.count += width;
        loop {
            let wanted = self.wanted();
            if self.count < wanted {
                return;
            }
            self.count -= wanted;
            let mask = (1 << wanted) - 1;
            self.bytes.push(u8::try_from((self.buffer >> self.count) & mask).unwrap_or_default());
        }
    }

    /// Bits of the next byte.
    fn wanted(&self) -> u32 {
        if self.bytes.last() == Some(&0xff) { 7 } else { 8 }
    }

    /// Writes a number as [`Bits::golomb`] reads it.
    pub(super) fn golomb(&mut self, k: u32, limit: u32, width: u32, value: i32) -> Result<(), PixelError> {
        let value = u32::try_from(value).or(Err(damaged()))?;
        let longest = limit.saturating_sub(width + 1);
        let zeros = (value >> k).min(longest);
        for begin in (0..zeros).step_by(16) {
            self.put(0, (zeros - begin).min(16));
        }
        self.put(1, 1);
        let (rest, width) = if zeros < longest { (value, k) } else { (value.saturating_sub(1), width) };
        self.put(rest, width);
        Ok(())
    }

    /// Fills the last byte up. Behind a byte of ones another one has to come.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let wanted = self.wanted();
        if self.count > 0 || wanted == 7 {
            self.put(0, wanted - self.count);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = BitWriter::default();
        let numbers = [(2, 11), (0, 5), (7, 200), (2, 254), (0, 30), (3, 1), (8, 255)];
        for (k, number) in numbers {
            out.golomb(k, 32, 8, number).unwrap();
            out.put(0xffff, 16);
        }
        let bytes = out.finish();
        assert!(bytes.windows(2).all(|pair| pair[0] != 0xff || pair[1] < 0x80));
        let mut bits = Bits::new(&bytes);
        for (k, number) in numbers {
            assert_eq!(bits.golomb(k, 32, 8).unwrap(), number);
            assert_eq!(bits.read(16), 0xffff);
        }
        assert!(!bits.is_overrun());
    }

    #[test]
    fn a_bit_behind_ones_is_no_data() {
        let mut bits = Bits::new(&[0xff, 0x7f, 0x80]);
        assert_eq!(bits.read(15), 0x7fff);
        assert!(bits.bit());
        assert!(!bits.is_overrun());
        let _padding = bits.read(8);
        assert!(bits.is_overrun());
    }

    #[test]
    fn golomb_codes_end_at_their_limit() {
        // 0, 0, 1, then k = 2 bits: 2 * 4 + 3.
        assert_eq!(Bits::new(&[0b0011_1000]).golomb(2, 32, 8).ok(), Some(11));
        // 23 zeros of 32 - 8 - 1, a one, then 8 bits.
        assert_eq!(Bits::new(&[0, 0, 1, 41]).golomb(2, 32, 8).ok(), Some(42));
        assert!(Bits::new(&[0; 20]).golomb(2, 32, 8).is_err());
    }

    #[test]
    fn markers_end_the_data() {
        let mut bits = Bits::new(&[0xaa, 0xff, 0xd9, 0x55]);
        assert_eq!(bits.read(8), 0xaa);
        assert!(!bits.is_overrun());
        assert_eq!(bits.read(8), 0);
        assert!(bits.is_overrun());
    }
}

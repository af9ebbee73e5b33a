//! Huffman codes and the bits they stand in. ISO/IEC 10918-1 Annexes C and F.2.2.

use super::super::super::PixelError;
use super::segment::damaged;

/// A decoding table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// For each beginning of [`FAST`] bits the symbol and the length of its code; length 0 for longer ones.
    fast: Vec<(u8, u8)>,
    /// For each length the first code behind those of the length, moved to the front of 16 bits.
    ends: [u32; 17],
    /// For each length what turns a code into an index of a symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// Tables of a DHT segment: class, destination, table. §B.2.4.2.
    pub(super) fn parse(body: &[u8]) -> Result<Vec<(u8, u8, Self)>, PixelError> {
        let mut rest = body;
        let mut tables = Vec::new();
        while let Some((kind, behind)) = rest.split_first() {
            let (counts, behind) = behind.split_first_chunk::<16>().ok_or_else(damaged)?;
            let length = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, behind) = behind.split_at_checked(length).ok_or_else(damaged)?;
            tables.push((kind >> 4, kind & 15, Self::new(counts, symbols).ok_or_else(damaged)?));
            rest = behind;
        }
        Ok(tables)
    }

    /// A table from the number of codes of each length, and their symbols; `None` if there are more codes
    /// than the lengths allow.
    fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut fast = vec![(0, 0); 1 << FAST];
        let (mut ends, mut offsets) = ([0_u32; 17], [0_i32; 17]);
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let count = u32::from(*count);
            if code + count > 1 << length {
                return None;
            }
            *offsets.get_mut(usize::try_from(length).ok()?)? = i32::try_from(index).ok()? - i32::try_from(code).ok()?;
            for _ in 0..count {
                let symbol = symbols.get(index).copied()?;
                if length <= FAST {
                    let from = usize::try_from(code << (FAST - length)).ok()?;
                    let entries = fast.get_mut(from..from + (1 << (FAST - length)))?;
                    entries.fill((symbol, u8::try_from(length).ok()?));
                }
                code += 1;
                index += 1;
            }
            *ends.get_mut(usize::try_from(length).ok()?)? = code << (16 - length);
            code <<= 1;
        }
        Some(Self { fast, ends, offsets, symbols: symbols.to_vec() })
    }
}

/// The entropy coded bits of a scan.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits from the most significant on.
    buffer: u64,
    count: u32,
    /// How many bits were put into the buffer behind the end.
    padding: u32,
    has_ended: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, buffer: 0, count: 0, padding: 0, has_ended: false }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes {
                _ if self.has_ended => None,
                [0xff, 0x00, rest @ ..] => {
                    self.bytes = rest;
                    Some(0xff)
                }
                [0xff, ..] | [] => {
                    self.has_ended = true;
                    None
                }
                [byte, rest @ ..] => {
                    self.bytes = rest;
                    Some(*byte)
                }
            };
            if byte.is_none() {
                self.padding += 8;
            }
            self.buffer |= u64::from(byte.unwrap_or_default()) << (56 - self.count);
            self.count += 8;
        }
    }

    fn peek(&self, count: u32) -> u32 {
        u32::try_from(self.buffer >> (64 - count)).unwrap_or(u32::MAX)
    }

    fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.count -= count;
    }

    /// Whether bits were used that are not there.
    pub(super) fn is_overrun(&self) -> bool {
        self.padding > self.count
    }

    /// The next symbol. §F.2.2.3.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, PixelError> {
        if self.count < 32 {
            self.fill();
        }
        let beginning = usize::try_from(self.peek(FAST)).unwrap_or_default();
        let (symbol, length) = table.fast.get(beginning).copied().unwrap_or_default();
        if length > 0 {
            self.skip(u32::from(length));
            return Ok(symbol);
        }
        let bits = self.peek(16);
        for (length, (end, offset)) in (0_u32..).zip(table.ends.iter().zip(&table.offsets)).skip(1) {
            if bits < *end {
                let code = i32::try_from(bits >> (16 - length)).or(Err(damaged()))?;
                let index = usize::try_from(code + offset).or(Err(damaged()))?;
                self.skip(length);
                return table.symbols.get(index).copied().ok_or_else(damaged);
            }
        }
        Err(damaged())
    }

    /// A number of `size` bits (at most 16) with its sign. §F.2.2.1.
    pub(super) fn signed(&mut self, size: u8) -> i32 {
        if size == 0 || size > 16 {
            return 0;
        }
        if self.count < 32 {
            self.fill();
        }
        let bits = u32::from(size);
        let value = self.peek(bits).cast_signed();
        self.skip(bits);
        if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value }
    }

    /// Goes on behind the next restart marker.
    pub(super) fn restart(&mut self) -> Result<(), PixelError> {
        let at = self.bytes.windows(2).position(|pair| matches!(pair, [0xff, 0xd0..=0xd7])).ok_or_else(damaged)?;
        // Bits read ahead never go behind a marker, so that the next marker is the right one.
        *self = Self::new(self.bytes.get(at + 2..).unwrap_or_default());
        Ok(())
    }
}

/// Bits that are looked up at once.
const FAST: u32 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_length_are_found() {
        // One code of one bit, one of two, one of twelve.
        let mut counts = [0; 16];
        counts[0] = 1;
        counts[1] = 1;
        counts[11] = 1;
        let table = Table::new(&counts, &[7, 8, 9]).unwrap();
        // 0, 10, 1100_0000_0000, 0
        let bytes = [0b0101_1000, 0b0000_0000, 0];
        let mut bits = Bits::new(&bytes);
        let symbols: Vec<u8> = (0..4).map(|_| bits.symbol(&table).unwrap()).collect();
        assert_eq!(symbols, [7, 8, 9, 7]);
        assert!(Table::new(&[3; 16], &[0; 48]).is_none());
    }

    #[test]
    fn numbers_have_their_sign() {
        let mut bits = Bits::new(&[0b0110_1000]);
        assert_eq!((bits.signed(1), bits.signed(2), bits.signed(2)), (-1, 3, -2));
    }

    #[test]
    fn bits_that_are_not_there_are_noticed() {
        let mut bits = Bits::new(&[0xff, 0xd9]);
        bits.signed(1);
        assert!(bits.is_overrun());
    }
}

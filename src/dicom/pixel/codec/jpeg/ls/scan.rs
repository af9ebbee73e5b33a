//! The lines of a scan: samples one by one, and runs where nothing changes. §A.7, Annex B.

use super::super::super::super::{Image, PixelError};
use super::bits::Bits;
use super::damaged;
use super::model::{Around, Model};
use super::parameters::Parameters;

/// How the components of a scan follow each other. §C.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// One component.
    None,
    /// A line of each.
    Line,
    /// A sample of each.
    Sample,
}

pub(super) struct Scan {
    columns: usize,
    /// Samples of a pixel, and bytes of a sample, in the frame.
    samples: usize,
    sample_bytes: usize,
    /// Places of the components within the pixel.
    places: Vec<usize>,
    interleave: Interleave,
    model: Model,
}

/// A component: the line above, and the one that is decoded, each with a sample on both sides. §A.2.1.
pub(super) struct Plane {
    above: Vec<i32>,
    line: Vec<i32>,
    pub(super) run_index: usize,
}

impl Scan {
    pub(super) fn new(image: &Image, places: Vec<usize>, interleave: Interleave, parameters: Parameters) -> Self {
        Self {
            columns: usize::from(image.columns),
            samples: usize::from(image.samples_per_pixel),
            sample_bytes: image.sample_bytes(),
            places,
            interleave,
            model: Model::new(parameters),
        }
    }

    /// Decodes into the places of the components in a whole frame.
    pub(super) fn decode(mut self, bytes: &[u8], out: &mut [u8]) -> Result<(), PixelError> {
        let mut bits = Bits::new(bytes);
        let mut planes: Vec<Plane> = self.places.iter().map(|_| Plane::new(self.columns)).collect();
        for row in out.chunks_exact_mut(self.columns * self.samples * self.sample_bytes) {
            planes.iter_mut().for_each(Plane::begin);
            if self.interleave == Interleave::Sample {
                self.line(&mut bits, &mut planes)?;
            } else {
                for plane in &mut planes {
                    self.line(&mut bits, std::slice::from_mut(plane))?;
                }
            }
            if bits.is_overrun() {
                return Err(PixelError::codestream("ends within the frame"));
            }
            for (plane, place) in planes.iter_mut().zip(&self.places) {
                plane.put(row, *place, self.samples, self.sample_bytes);
                plane.end();
            }
        }
        Ok(())
    }

    /// A line of components that are decoded together.
    fn line(&mut self, bits: &mut Bits<'_>, planes: &mut [Plane]) -> Result<(), PixelError> {
        let mut at = 1;
        while at <= self.columns {
            if planes.iter().all(|plane| self.model.context(plane.around(at)) == 0) {
                at += self.run(bits, planes, at)?;
                continue;
            }
            for plane in &mut *planes {
                let around = plane.around(at);
                let sample = self.model.sample(bits, self.model.context(around), around)?;
                plane.set(at, sample);
            }
            at += 1;
        }
        Ok(())
    }

    /// A run, and the sample that interrupts it unless the line ends; how many samples. §A.7.1.
    fn run(&mut self, bits: &mut Bits<'_>, planes: &mut [Plane], at: usize) -> Result<usize, PixelError> {
        let most = self.columns + 1 - at;
        let is_alone = planes.len() == 1;
        let mut index = planes.first().map_or(0, |plane| plane.run_index);
        let mut length = 0;
        let mut is_interrupted = false;
        while length < most && !is_interrupted {
            let width = RUN_BITS.get(index).copied().unwrap_or_default();
            if bits.bit() {
                let whole = 1_usize << width;
                index = if whole <= most - length { (index + 1).min(RUN_BITS.len() - 1) } else { index };
                length += whole.min(most - length);
            } else {
                length += usize::try_from(bits.read(width)).or(Err(damaged()))?;
                is_interrupted = true;
            }
        }
        if length > most {
            return Err(damaged());
        }
        let has_other = is_interrupted && length < most;
        for plane in &mut *planes {
            let (around, end) = (plane.around(at), at + length);
            plane.line.get_mut(at..end).ok_or_else(damaged)?.fill(around.left);
            if has_other {
                let width = RUN_BITS.get(index).copied().unwrap_or_default();
                let neighbours = (around.left, plane.around(end).above);
                let sample = self.model.interruption(bits, neighbours, is_alone, width)?;
                plane.set(end, sample);
            }
        }
        if let Some(plane) = planes.first_mut() {
            plane.run_index = if has_other { index.saturating_sub(1) } else { index };
        }
        Ok(length + usize::from(has_other))
    }
}

impl Plane {
    pub(super) fn new(columns: usize) -> Self {
        Self { above: vec![0; columns + 2], line: vec![0; columns + 2], run_index: 0 }
    }

    /// On the left of a line is what stands above its beginning, on the right what stands above its end.
    pub(super) fn begin(&mut self) {
        let first = self.above.get(1).copied().unwrap_or_default();
        if let [.., end, behind] = self.above.as_mut_slice() {
            *behind = *end;
        }
        if let Some(left) = self.line.first_mut() {
            *left = first;
        }
    }

    pub(super) fn around(&self, at: usize) -> Around {
        let left = self.line.get(at - 1).copied().unwrap_or_default();
        let (corner, above, ahead) = match self.above.get(at - 1..at + 2) {
            Some([corner, above, ahead]) => (*corner, *above, *ahead),
            _ => (0, 0, 0),
        };
        Around { left, above, corner, ahead }
    }

    /// The sample of the line, counted from 1.
    pub(super) fn at(&self, at: usize) -> i32 {
        self.line.get(at).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, at: usize, sample: i32) {
        if let Some(place) = self.line.get_mut(at) {
            *place = sample;
        }
    }

    /// The line is the one above the next.
    pub(super) fn end(&mut self) {
        std::mem::swap(&mut self.above, &mut self.line);
    }

    fn put(&self, row: &mut [u8], place: usize, samples: usize, sample_bytes: usize) {
        let pixels = row.chunks_exact_mut(samples * sample_bytes);
        for (sample, pixel) in self.line.iter().skip(1).zip(pixels) {
            let places = pixel.iter_mut().skip(place * sample_bytes).take(sample_bytes);
            places.zip(sample.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        }
    }
}

/// J: bits of a run's length, by how long runs were. §A.2.1.
pub(super) const RUN_BITS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

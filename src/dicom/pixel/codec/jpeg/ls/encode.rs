//! The lossless encoder. Annex A, from the other side; Annex C for what stands around.

use super::super::super::super::{Image, PixelError, SampleKind};
use super::bits::BitWriter;
use super::model::{Around, Model};
use super::parameters::{Parameters, Presets};
use super::scan::{Plane, RUN_BITS};
use super::{SOF_55, SOS, damaged};

/// Encodes samples that follow each other pixel by pixel; colours sample by sample in one scan.
pub(in super::super::super::super) fn encode(image: &Image, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
    let precision = precision(image, frame);
    let parameters = Parameters::new(precision, 0, Presets::default())?;
    let mut out = header(image, precision);
    let mut encoder = Encoder {
        columns: usize::from(image.columns),
        mask: (1 << precision) - 1,
        model: Model::new(parameters),
        planes: (0..image.samples_per_pixel).map(|_| Plane::new(usize::from(image.columns))).collect(),
        out: BitWriter::default(),
    };
    let width = image.sample_bytes();
    for row in frame.chunks_exact(encoder.columns * encoder.planes.len() * width) {
        encoder.row(row, width)?;
    }
    out.extend(encoder.out.finish());
    out.extend_from_slice(b"\xff\xd9");
    Ok(out)
}

/// The bits that the samples have: those that are stored, unless others are in use.
fn precision(image: &Image, frame: &[u8]) -> u8 {
    let allocated = u32::from(image.bits_allocated);
    let unused = allocated - u32::from(image.bits_stored).clamp(2, allocated);
    let fits = |sample: u16| {
        let sample = u32::from(sample) << (32 - allocated);
        if image.kind == SampleKind::Signed {
            let sample = sample.cast_signed();
            (sample << unused) >> unused == sample
        } else {
            (sample << unused) >> unused == sample
        }
    };
    let all_fit = if allocated == 8 {
        frame.iter().all(|byte| fits(u16::from(*byte)))
    } else {
        frame.as_chunks::<2>().0.iter().all(|word| fits(u16::from_le_bytes(*word)))
    };
    u8::try_from(if all_fit { allocated - unused } else { allocated }).unwrap_or(16)
}

/// Start of image, frame header and scan header. §C.2.
fn header(image: &Image, precision: u8) -> Vec<u8> {
    let count = u8::try_from(image.samples_per_pixel).unwrap_or(1);
    let mut out = vec![0xff, 0xd8, 0xff, SOF_55, 0, 8 + 3 * count, precision];
    out.extend(image.rows.to_be_bytes());
    out.extend(image.columns.to_be_bytes());
    out.push(count);
    out.extend((1..=count).flat_map(|id| [id, 0x11, 0]));
    out.extend([0xff, SOS, 0, 6 + 2 * count, count]);
    out.extend((1..=count).flat_map(|id| [id, 0]));
    // NEAR, interleaved by sample where there are several, no point transform.
    out.extend([0, if count == 1 { 0 } else { 2 }, 0]);
    out
}

struct Encoder {
    columns: usize,
    /// Bits of a sample.
    mask: i32,
    model: Model,
    planes: Vec<Plane>,
    out: BitWriter,
}

impl Encoder {
    fn row(&mut self, row: &[u8], width: usize) -> Result<(), PixelError> {
        let count = self.planes.len();
        for (place, plane) in self.planes.iter_mut().enumerate() {
            plane.begin();
            let samples = row.chunks_exact(width).skip(place).step_by(count);
            for (at, sample) in (1..).zip(samples) {
                let sample = match sample {
                    [low, high] => u16::from_le_bytes([*low, *high]),
                    [byte] => u16::from(*byte),
                    _ => return Err(PixelError::Unsupported { what: "the width of the samples in JPEG-LS" }),
                };
                plane.set(at, i32::from(sample) & self.mask);
            }
        }
        let mut at = 1;
        while at <= self.columns {
            if self.planes.iter().all(|plane| self.model.context(plane.around(at)) == 0) {
                at += self.run(at)?;
                continue;
            }
            for plane in &self.planes {
                let around = plane.around(at);
                self.model.put(&mut self.out, self.model.context(around), around, plane.at(at))?;
            }
            at += 1;
        }
        self.planes.iter_mut().for_each(Plane::end);
        Ok(())
    }

    /// A run, and the sample that interrupts it unless the line ends; how many samples. §A.7.1.
    fn run(&mut self, at: usize) -> Result<usize, PixelError> {
        let most = self.columns + 1 - at;
        let is_alone = self.planes.len() == 1;
        let goes_on = |end: usize| self.planes.iter().all(|plane| plane.at(end) == plane.around(at).left);
        let length = (at..at + most).take_while(|end| goes_on(*end)).count();
        let mut index = self.planes.first().map_or(0, |plane| plane.run_index);
        let mut width = RUN_BITS.get(index).copied().unwrap_or_default();
        let mut rest = length;
        while rest >= 1 << width {
            self.out.put(1, 1);
            rest -= 1 << width;
            index = (index + 1).min(RUN_BITS.len() - 1);
            width = RUN_BITS.get(index).copied().unwrap_or_default();
        }
        let is_interrupted = length < most;
        if is_interrupted {
            self.out.put(0, 1);
            self.out.put(u32::try_from(rest).or(Err(damaged()))?, width);
            for plane in &self.planes {
                let end = at + length;
                let (left, above) = (plane.around(at).left, plane.around(end).above);
                self.model.put_interruption(&mut self.out, (left, above), is_alone, width, plane.at(end))?;
            }
            index = index.saturating_sub(1);
        } else if rest > 0 {
            self.out.put(1, 1);
        }
        if let Some(plane) = self.planes.first_mut() {
            plane.run_index = index;
        }
        Ok(length + usize::from(is_interrupted))
    }
}

impl Model {
    /// Encodes a sample in its context. §A.4 to §A.6.
    fn put(&mut self, out: &mut BitWriter, context: i32, around: Around, sample: i32) -> Result<(), PixelError> {
        let Parameters { limit, error_bits, .. } = self.parameters;
        let learning = self.learning(context, around)?;
        let error = self.reduced(learning.sign * (sample - learning.predicted));
        let mapped = match (error >= 0, learning.is_turned) {
            (true, false) => 2 * error,
            (false, false) => -2 * error - 1,
            (true, true) => 2 * error + 1,
            (false, true) => -2 * (error + 1),
        };
        out.golomb(learning.k, limit, error_bits, mapped)?;
        self.learn(learning, error)
    }

    /// Encodes the sample that interrupts a run. §A.7.2.
    fn put_interruption(
        &mut self,
        out: &mut BitWriter,
        neighbours: (i32, i32),
        is_alone: bool,
        run_bits: u32,
        sample: i32,
    ) -> Result<(), PixelError> {
        let Parameters { limit, error_bits, reset, .. } = self.parameters;
        let (kind, predicted, sign) = self.interrupted(neighbours, is_alone);
        let error = self.reduced(sign * (sample - predicted));
        let learnt = self.interruption_of(kind);
        let k = learnt.order(kind);
        let is_odd = if error > 0 {
            k == 0 && 2 * learnt.negatives < learnt.count
        } else {
            error < 0 && (k != 0 || 2 * learnt.negatives >= learnt.count)
        };
        let mapped = 2 * error.abs() - kind - i32::from(is_odd);
        out.golomb(k, limit.saturating_sub(run_bits + 1), error_bits, mapped)?;
        learnt.learn(error, (mapped + 1 - kind) >> 1, reset);
        Ok(())
    }

    /// An error modulo the range of errors. §A.4.5.
    fn reduced(&self, error: i32) -> i32 {
        let range = self.parameters.range;
        let error = if error < 0 { error + range } else { error };
        if error >= (range + 1) / 2 { error - range } else { error }
    }
}

//! Contexts: what is expected of a sample by those around it, and what is learnt from each error. Annex A.

use super::super::super::super::PixelError;
use super::bits::Bits;
use super::damaged;
use super::parameters::Parameters;

/// Samples around one that is to be decoded. §A.2, figure A.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// Ra.
    pub(super) left: i32,
    /// Rb.
    pub(super) above: i32,
    /// Rc.
    pub(super) corner: i32,
    /// Rd.
    pub(super) ahead: i32,
}

/// What a scan has learnt.
pub(super) struct Model {
    pub(super) parameters: Parameters,
    contexts: Vec<Context>,
    /// Of samples that interrupt a run: where they are unlike the sample above, and where they are like it.
    interruptions: [Interruption; 2],
}

/// A, B, C and N of a context. §A.2.1.
#[derive(Clone, Copy)]
struct Context {
    magnitude: i32,
    bias: i32,
    correction: i32,
    count: i32,
}

/// Of samples that interrupt runs.
#[derive(Clone, Copy)]
pub(super) struct Interruption {
    magnitude: i32,
    pub(super) count: i32,
    pub(super) negatives: i32,
}

/// What is expected of a sample in its context.
#[derive(Clone, Copy)]
pub(super) struct Learning {
    index: usize,
    pub(super) sign: i32,
    pub(super) predicted: i32,
    /// The order of the Golomb code.
    pub(super) k: u32,
    /// Errors are mapped the other way round.
    pub(super) is_turned: bool,
}

impl Model {
    pub(super) fn new(parameters: Parameters) -> Self {
        let magnitude = ((parameters.range + 32) / 64).max(2);
        let context = Context { magnitude, bias: 0, correction: 0, count: 1 };
        let interruption = Interruption { magnitude, count: 1, negatives: 0 };
        Self { parameters, contexts: vec![context; CONTEXTS], interruptions: [interruption; 2] }
    }

    /// The context of a sample, from -364 to 364; zero where all around are alike. §A.3.3, §A.3.4.
    pub(super) fn context(&self, around: Around) -> i32 {
        let Around { left, above, corner, ahead } = around;
        81 * self.region(ahead - above) + 9 * self.region(above - corner) + self.region(corner - left)
    }

    fn region(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.parameters.thresholds;
        let size = gradient.abs();
        let region = match size {
            _ if size <= self.parameters.near => 0,
            _ if size < t1 => 1,
            _ if size < t2 => 2,
            _ if size < t3 => 3,
            _ => 4,
        };
        region * gradient.signum()
    }

    /// What is expected of a sample. §A.4.1, §A.4.2, §A.5.1.
    pub(super) fn learning(&self, context: i32, around: Around) -> Result<Learning, PixelError> {
        let sign = if context < 0 { -1 } else { 1 };
        let index = usize::try_from(context.abs()).or(Err(damaged()))?;
        let learnt = self.contexts.get(index).ok_or_else(damaged)?;
        let predicted = (predicted(around) + sign * learnt.correction).clamp(0, self.parameters.max_value);
        let k = order(learnt.count, learnt.magnitude);
        let is_turned = self.parameters.near == 0 && k == 0 && 2 * learnt.bias <= -learnt.count;
        Ok(Learning { index, sign, predicted, k, is_turned })
    }

    /// Learns from the error of a sample. §A.6.
    pub(super) fn learn(&mut self, learning: Learning, error: i32) -> Result<(), PixelError> {
        let Parameters { step, reset, .. } = self.parameters;
        self.contexts.get_mut(learning.index).ok_or_else(damaged)?.learn(error, step, reset);
        Ok(())
    }

    /// Decodes a sample in its context. §A.4 to §A.6.
    pub(super) fn sample(&mut self, bits: &mut Bits<'_>, context: i32, around: Around) -> Result<i32, PixelError> {
        let Parameters { limit, error_bits, step, range, .. } = self.parameters;
        let learning = self.learning(context, around)?;
        let mapped = bits.golomb(learning.k, limit, error_bits)?;
        if mapped > 2 * range + 1 {
            return Err(damaged());
        }
        let half = (mapped + 1) >> 1;
        let error = match (mapped & 1 == 1, learning.is_turned) {
            (false, false) => half,
            (true, false) => -half,
            (false, true) => -half - 1,
            (true, true) => half - 1,
        };
        self.learn(learning, error)?;
        Ok(self.reconstructed(learning.predicted + learning.sign * error * step))
    }

    /// The kind of the sample that interrupts a run, what it is predicted to be, and the sign of its error. §A.7.2.
    pub(super) fn interrupted(&self, (left, above): (i32, i32), is_alone: bool) -> (i32, i32, i32) {
        match (is_alone && (left - above).abs() <= self.parameters.near, left > above) {
            (true, _) => (1, left, 1),
            (false, true) => (0, above, -1),
            (false, false) => (0, above, 1),
        }
    }

    /// What was learnt of samples of a kind.
    pub(super) fn interruption_of(&mut self, kind: i32) -> &mut Interruption {
        let [unlike, like] = &mut self.interruptions;
        if kind == 1 { like } else { unlike }
    }

    /// Decodes the sample that interrupts a run; `left` is what the run had. Of several components at once,
    /// none is taken for like the one above. §A.7.2.
    pub(super) fn interruption(
        &mut self,
        bits: &mut Bits<'_>,
        neighbours: (i32, i32),
        is_alone: bool,
        run_bits: u32,
    ) -> Result<i32, PixelError> {
        let Parameters { limit, error_bits, reset, step, range, .. } = self.parameters;
        let (kind, predicted, sign) = self.interrupted(neighbours, is_alone);
        let learnt = self.interruption_of(kind);
        let k = learnt.order(kind);
        let mapped = bits.golomb(k, limit.saturating_sub(run_bits + 1), error_bits)?;
        if mapped > 2 * range + 1 {
            return Err(damaged());
        }
        let is_odd = (mapped + kind) & 1 == 1;
        let size = (mapped + kind + 1) >> 1;
        let is_negative = (k != 0 || 2 * learnt.negatives >= learnt.count) == is_odd;
        let error = if is_negative { -size } else { size };
        learnt.learn(error, (mapped + 1 - kind) >> 1, reset);
        Ok(self.reconstructed(predicted + sign * error * step))
    }

    /// The sample of a prediction with its error, which is counted modulo its range. §A.4.4, §A.4.5.
    fn reconstructed(&self, value: i32) -> i32 {
        let Parameters { max_value, near, step, range, .. } = self.parameters;
        let value = match value {
            _ if value < -near => value + range * step,
            _ if value > max_value + near => value - range * step,
            _ => value,
        };
        value.clamp(0, max_value)
    }
}

impl Context {
    /// §A.6.1, §A.6.2.
    fn learn(&mut self, error: i32, step: i32, reset: i32) {
        self.bias = self.bias.saturating_add(error * step);
        self.magnitude = self.magnitude.saturating_add(error.abs());
        if self.count >= reset {
            self.magnitude >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(MIN_CORRECTION);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(MAX_CORRECTION);
        }
    }
}

impl Interruption {
    pub(super) fn order(&self, kind: i32) -> u32 {
        order(self.count, self.magnitude.saturating_add(if kind == 1 { self.count >> 1 } else { 0 }))
    }

    /// §A.7.2.
    pub(super) fn learn(&mut self, error: i32, magnitude: i32, reset: i32) {
        self.negatives += i32::from(error < 0);
        self.magnitude = self.magnitude.saturating_add(magnitude);
        if self.count >= reset {
            self.magnitude >>= 1;
            self.count >>= 1;
            self.negatives >>= 1;
        }
        self.count += 1;
    }
}

/// The median of left, above and the plane through the three. §A.4.1.
fn predicted(Around { left, above, corner, .. }: Around) -> i32 {
    let (least, greatest) = (left.min(above), left.max(above));
    if corner >= greatest {
        least
    } else if corner <= least {
        greatest
    } else {
        left + above - corner
    }
}

/// The order of the Golomb code. §A.5.1.
fn order(count: i32, magnitude: i32) -> u32 {
    (0..MAX_ORDER).find(|k| i64::from(count) << k >= i64::from(magnitude)).unwrap_or(MAX_ORDER)
}

/// Contexts that differ by more than the sign.
const CONTEXTS: usize = 365;
const MIN_CORRECTION: i32 = -128;
const MAX_CORRECTION: i32 = 127;
/// More than any error has bits.
const MAX_ORDER: u32 = 18;

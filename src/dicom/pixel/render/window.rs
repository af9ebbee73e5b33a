//! VOI windows. PS3.3 §C.11.2.1.2 and §C.11.2.1.3.

/// VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VoiFunction {
    /// LINEAR: between centres of pixels values, the default.
    #[default]
    Linear,
    /// LINEAR_EXACT: from centre minus half the width to centre plus half the width.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

impl VoiFunction {
    /// From the defined term, or the term of a `window` parameter (PS3.18 §8.3.5.1.4).
    pub fn of_term(term: &str) -> Option<Self> {
        match term {
            "LINEAR" | "linear" => Some(Self::Linear),
            "LINEAR_EXACT" | "linear-exact" => Some(Self::LinearExact),
            "SIGMOID" | "sigmoid" => Some(Self::Sigmoid),
            _ => None,
        }
    }
}

/// A window on the values behind the modality transformation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051).
    pub width: f64,
    /// How values become brightness.
    pub function: VoiFunction,
}

impl Window {
    /// A window that the standard allows: a width of 1 or more for LINEAR, above 0 for the others.
    pub fn new(center: f64, width: f64, function: VoiFunction) -> Option<Self> {
        let least = if function == VoiFunction::Linear { 1.0 } else { f64::MIN_POSITIVE };
        (center.is_finite() && width.is_finite() && width >= least).then_some(Self { center, width, function })
    }

    /// The brightness of a value, from 0 to 1.
    pub fn brightness(&self, value: f64) -> f64 {
        let (center, width) = (self.center, self.width);
        let brightness = match self.function {
            VoiFunction::Linear => {
                let (center, width) = (center - 0.5, width - 1.0);
                if value <= center - width / 2.0 {
                    0.0
                } else if value > center + width / 2.0 {
                    1.0
                } else {
                    (value - center) / width + 0.5
                }
            }
            VoiFunction::LinearExact => (value - center) / width + 0.5,
            VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
        };
        if brightness.is_nan() { 0.0 } else { brightness.clamp(0.0, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brightness of values, out of 255.
    fn assert_shown<const N: usize>(window: (f64, f64, VoiFunction), values: [f64; N], expected: [f64; N]) {
        let (center, width, function) = window;
        let window = Window::new(center, width, function).unwrap();
        for (value, expected) in values.into_iter().zip(expected) {
            let shown = window.brightness(value) * 255.0;
            assert!((shown - expected).abs() < 0.01, "{window:?} {value}: {shown} is not {expected}");
        }
    }

    #[test]
    fn linear_is_as_the_standard_computes_it() {
        // PS3.3 §C.11.2.1.2.1, examples of windows: c=2048 w=4096; c=2048 w=1; c=0 w=100; c=0 w=1.
        let linear = VoiFunction::Linear;
        assert_shown((2048.0, 4096.0, linear), [0.0, 4095.0], [0.0, 255.0]);
        assert_shown((2048.0, 1.0, linear), [2047.0, 2048.0], [0.0, 255.0]);
        assert_shown((0.0, 100.0, linear), [-50.0, 49.0], [0.0, 255.0]);
        assert_shown((0.0, 1.0, linear), [-1.0, 0.0], [0.0, 255.0]);
        // ((-10 - 39.5) / 399 + 0.5) * 255
        assert_shown((40.0, 400.0, linear), [-10.0], [95.864_661]);
    }

    #[test]
    fn exact_has_its_middle_at_the_centre() {
        // The fourth is ((-10 - 40) / 400 + 0.5) * 255.
        let window = (40.0, 400.0, VoiFunction::LinearExact);
        assert_shown(window, [-160.0, 40.0, 240.0, -10.0], [0.0, 127.5, 255.0, 95.625]);
    }

    #[test]
    fn a_sigmoid_has_no_edge() {
        // 255 / (1 + e^2), its middle, and 255 / (1 + e^-2).
        let window = (100.0, 200.0, VoiFunction::Sigmoid);
        assert_shown(window, [0.0, 100.0, 200.0], [30.396_651, 127.5, 224.603_348]);
    }

    #[test]
    fn windows_that_cannot_be_are_none() {
        assert!(Window::new(0.0, 0.5, VoiFunction::Linear).is_none());
        assert!(Window::new(0.0, 0.0, VoiFunction::LinearExact).is_none());
        assert!(Window::new(f64::NAN, 1.0, VoiFunction::Sigmoid).is_none());
        assert!(Window::new(0.0, 0.5, VoiFunction::LinearExact).is_some());
    }
}

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

    fn shown(center: f64, width: f64, function: VoiFunction, value: f64) -> f64 {
        (Window::new(center, width, function).unwrap().brightness(value) * 255.0).round()
    }

    #[test]
    fn linear_is_as_the_standard_computes_it() {
        // PS3.3 §C.11.2.1.2.1, examples of windows: c=2048 w=4096; c=2048 w=1; c=0 w=100; c=0 w=1.
        let linear = |center, width, value| shown(center, width, VoiFunction::Linear, value);
        assert_eq!((linear(2048.0, 4096.0, 0.0), linear(2048.0, 4096.0, 4095.0)), (0.0, 255.0));
        assert_eq!((linear(2048.0, 1.0, 2047.0), linear(2048.0, 1.0, 2048.0)), (0.0, 255.0));
        assert_eq!((linear(0.0, 100.0, -50.0), linear(0.0, 100.0, 49.0)), (0.0, 255.0));
        assert_eq!((linear(0.0, 1.0, -1.0), linear(0.0, 1.0, 0.0)), (0.0, 255.0));
        // ((-10 - 39.5) / 399 + 0.5) * 255 = 95.86...
        assert_eq!(linear(40.0, 400.0, -10.0), 96.0);
    }

    #[test]
    fn exact_has_its_middle_at_the_centre() {
        let exact = |value| shown(40.0, 400.0, VoiFunction::LinearExact, value);
        assert_eq!((exact(-160.0), exact(40.0), exact(240.0)), (0.0, 128.0, 255.0));
        // ((-10 - 40) / 400 + 0.5) * 255 = 95.625
        assert_eq!(exact(-10.0), 96.0);
    }

    #[test]
    fn a_sigmoid_has_no_edge() {
        let sigmoid = |value| shown(100.0, 200.0, VoiFunction::Sigmoid, value);
        assert_eq!(sigmoid(100.0), 128.0);
        // 255 / (1 + e^2) and 255 / (1 + e^-2)
        assert_eq!((sigmoid(0.0), sigmoid(200.0)), (30.0, 225.0));
    }

    #[test]
    fn windows_that_cannot_be_are_none() {
        assert!(Window::new(0.0, 0.5, VoiFunction::Linear).is_none());
        assert!(Window::new(0.0, 0.0, VoiFunction::LinearExact).is_none());
        assert!(Window::new(f64::NAN, 1.0, VoiFunction::Sigmoid).is_none());
        assert!(Window::new(0.0, 0.5, VoiFunction::LinearExact).is_some());
    }
}
